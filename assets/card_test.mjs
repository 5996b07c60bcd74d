// The logic of the card step, without a page: node --test assets/card_test.mjs
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

// By its text: the script's name does not tell node that it is a module.
const script = readFileSync(new URL("card.js", import.meta.url), "utf8");
const { call, linkOf, links, look, permission, refusal, stage } = await import("data:text/javascript," + encodeURIComponent(script));

const reader = (state, card) => ({ id: 0, state, card, pinpad: false });
const status = (...readers) => ({ bridge: "card-bridge", version: "1", protocols: ["cps-auth:1"], readers });

test("a status names the first link that is open", () => {
  for (const [readers, link, cause] of [
    [[], "reader", "no_reader"],
    [[reader("empty", "none")], "card", undefined],
    [[reader("present", "cps3")], "pin", undefined],
    [[reader("present", "cps4")], "pin", undefined],
    [[reader("present", "contactless")], "card", "contactless_refused"],
    [[reader("present", "contactless"), reader("present", "cps4")], "pin", undefined],
    [[reader("present", "unknown")], "card", "card_not_supported"],
    [[reader("mute", "none")], "card", "card_not_supported"],
    [[reader("busy", "none")], "card", "busy"],
  ]) {
    const got = stage(status(...readers));
    assert.deepEqual([got.link, got.cause], [link, cause], JSON.stringify(readers));
  }
});

test("attack: a status of any shape breaks nothing", () => {
  for (const body of [null, 1, "x", [], {}, { readers: 1 }, { readers: "cps3" }, { readers: [null, 1, "x", {}] }, { readers: [{ state: {}, card: [] }] }]) {
    assert.ok(links.includes(stage(body).link), JSON.stringify(body));
  }
});

test("every word and code blames one link", () => {
  for (const [link, causes] of Object.entries({
    bridge: ["origin_not_allowed", "bad_host", "request_invalid", "challenge_invalid", "challenge_expired", "PF-CA-018", "PF-CA-019", "PF-CA-033", "of no list"],
    reader: ["no_reader"],
    card: ["no_card", "card_not_supported", "contactless_refused", "card_removed", "busy", "card_error", "PF-CA-054"],
    pin: ["pin_incorrect", "pin_blocked", "user_cancelled", "timeout", "window_unavailable"],
    certificate: ["certificate_expired", "PF-CA-040", "PF-CA-044", "PF-CA-049"],
    revocation: ["PF-CA-022", "PF-CA-050", "PF-CA-051"],
    register: ["PF-CA-052", "PF-CA-053"],
  })) {
    for (const cause of causes) assert.equal(linkOf(cause), link, cause);
  }
});

// world answers look: statuses by port, a permission, and what was called.
function world({ at = {}, state = "granted", deaf = [], wait = 0 } = {}) {
  const w = { calls: [], clock: 0 };
  w.look = () => look({
    ports: ["1", "2", "3"], protocol: "cps-auth:1", permission: async () => state, now: () => w.clock,
    call: async (url, { mode }) => {
      const port = new URL(url).port;
      w.calls.push(port + (mode ? " " + mode : ""));
      w.clock += wait;
      if (mode) return { ok: deaf.includes(port) };
      return at[port] ? { ok: true, body: at[port] } : { ok: false, cause: "PF-CA-019" };
    },
  });
  return w;
}

test("the ports are tried in order until the bridge answers", async () => {
  const w = world({ at: { 2: status(reader("present", "cps3")), 3: status() } });
  assert.deepEqual(await w.look(), { base: "http://127.0.0.1:2", link: "pin" });
  assert.deepEqual(w.calls, ["1", "2"]);
});

test("another program, or another protocol, is no bridge", async () => {
  for (const body of [null, "card-bridge", {}, { ...status(), protocols: ["cps-auth:2"] }, { ...status(), protocols: "cps-auth:1" }, { ...status(), bridge: "x" }]) {
    assert.equal((await world({ at: { 1: body } }).look()).cause, "PF-CA-019", JSON.stringify(body));
  }
});

test("a bridge that does not know this page is told from none", async () => {
  const w = world({ deaf: ["2"] });
  assert.deepEqual(await w.look(), { link: "bridge", cause: "PF-CA-033" });
  assert.deepEqual(w.calls, ["1", "2", "3", "1 no-cors", "2 no-cors"]);
});

test("a refused permission calls nothing", async () => {
  const w = world({ state: "denied" });
  assert.deepEqual(await w.look(), { link: "bridge", cause: "PF-CA-018" });
  assert.deepEqual(w.calls, []);
});

test("the browser's question, turned away, is not put again by itself", async () => {
  const w = world({ state: "prompt", wait: 4000 });
  assert.equal((await w.look()).cause, "ask");
  assert.deepEqual(w.calls, ["1"]);
  assert.equal((await world({ state: "prompt" }).look()).cause, "PF-CA-019", "nothing there, and no question put");
});

test("permission takes the first name that the browser knows", async () => {
  const browser = (known) => ({ query: async ({ name }) => { if (name in known) return { state: known[name] }; throw new TypeError(name); } });
  assert.equal(await permission(browser({ "loopback-network": "denied", "local-network-access": "prompt" }), "idp.example"), "denied");
  assert.equal(await permission(browser({ "local-network-access": "prompt" }), "idp.example"), "prompt");
  assert.equal(await permission(browser({}), "idp.example"), "granted");
  assert.equal(await permission(undefined, "idp.example"), "granted");
  for (const host of ["127.0.0.1", "localhost", "[::1]"]) assert.equal(await permission(browser({ "loopback-network": "prompt" }), host), "granted", host);
  assert.equal(await permission(browser({ "loopback-network": "prompt" }), "127.0.0.1.example"), "prompt");
});

const get = (body, init, seen) => async (url, options) => { Object.assign(seen ?? {}, { url, options }); return new Response(body, init); };

test("a call carries what the bridge wants and nothing of the person's", async () => {
  const seen = {};
  const answer = await call("http://127.0.0.1:1/v1/authenticate", { body: { protocol: "p" }, timeout: 1000 }, get('{"a":1}', {}, seen));
  assert.deepEqual(answer, { ok: true, text: '{"a":1}', body: { a: 1 } });
  const { method, mode, credentials, redirect, targetAddressSpace, headers, body } = seen.options;
  assert.deepEqual({ method, mode, credentials, redirect, targetAddressSpace, headers, body }, {
    method: "POST", mode: "cors", credentials: "omit", redirect: "error", targetAddressSpace: "loopback",
    headers: { "Content-Type": "application/json", "X-Card-Bridge": "1" }, body: '{"protocol":"p"}',
  });
});

test("attack: an answer without end, or none that can be read", async () => {
  let sent = 0;
  const endless = new ReadableStream({ pull(c) { sent += 4096; c.enqueue(new Uint8Array(4096).fill(32)); } });
  assert.deepEqual(await call("u", { timeout: 5000 }, get(endless)), { ok: false, cause: "PF-CA-019" });
  assert.ok(sent < 65536, `${sent} bytes were taken`);
  assert.deepEqual(await call("u", { timeout: 5000 }, get("<html>")), { ok: false, cause: "PF-CA-019" });
  assert.deepEqual(await call("u", { timeout: 5000 }, async () => { throw new TypeError("refused"); }), { ok: false, cause: "PF-CA-019" });
});

const silent = (_, { signal }) => new Promise((_, no) => signal.addEventListener("abort", () => no(signal.reason)));

test("a silent bridge ends by the deadline, a page that goes away at once", async () => {
  assert.deepEqual(await call("u", { timeout: 5 }, silent), { ok: false, cause: "timeout" });
  const page = new AbortController();
  const gone = call("u", { timeout: 60000, leaving: page.signal }, silent);
  page.abort();
  assert.deepEqual(await gone, { ok: false, cause: "PF-CA-019" });
});

test("the bridge's last word is an answer, or a cause with the tries left", () => {
  assert.equal(refusal({ ok: true, body: { signature: "x" } }), null);
  assert.deepEqual(refusal({ ok: false, body: { error: "pin_incorrect", tries_left: 2 } }), { cause: "pin_incorrect", tries: 2 });
  assert.deepEqual(refusal({ ok: false, cause: "timeout" }), { cause: "timeout", tries: 0 });
  for (const tries_left of ["2", "<b>", -1, 0, 1e9, 1.5, null]) assert.equal(refusal({ ok: false, body: { error: "pin_incorrect", tries_left } }).tries, 0, String(tries_left));
  for (const body of [null, {}, [], { error: {} }, { signature: 1 }]) assert.notEqual(refusal({ ok: true, body }), null, JSON.stringify(body));
});
