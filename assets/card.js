// The card step: finds the bridge on this computer, follows reader and card, has
// the bridge ask for the PIN in its own window, and gives the answer to the
// provider as a plain form. It decides nothing and has no words of its own: the
// provider verifies, the page holds the texts.

export const links = ["bridge", "reader", "card", "pin", "certificate", "revocation", "register"];
const maxAnswer = 16384;
const brief = 3000, question = 60000, typing = 125000; // ms

const blame = {
  reader: /^no_reader$/,
  card: /^(no_card|card_(not_supported|removed|error)|contactless_refused|busy|PF-CA-054)$/,
  pin: /^(pin_\w+|user_cancelled|timeout|window_unavailable)$/,
  certificate: /^(certificate_expired|PF-CA-04\d)$/,
  revocation: /^PF-CA-(022|05[01])$/,
  register: /^PF-CA-05[23]$/,
};

// linkOf names the link that a word of the bridge or a public code blames.
export const linkOf = (cause) => links.find((link) => blame[link]?.test(cause)) ?? "bridge";

// stage reads a status: the first link that is open, and why if it is a fault.
export function stage(status) {
  const readers = Array.isArray(status?.readers) ? status.readers.slice(0, 32) : [];
  const some = (field, ...values) => readers.some((r) => values.includes(r?.[field]));
  if (readers.length === 0) return { link: "reader", cause: "no_reader" };
  if (readers.some((r) => r?.state === "present" && /^cps[34]$/.test(r.card))) return { link: "pin" };
  if (some("card", "contactless")) return { link: "card", cause: "contactless_refused" };
  if (some("state", "present", "mute")) return { link: "card", cause: "card_not_supported" };
  if (some("state", "busy")) return { link: "card", cause: "busy" };
  return { link: "card" };
}

// call asks the bridge, bounded in time and size. What comes back is a
// stranger's: {ok, text, body}, or {cause} when nothing readable came.
export async function call(url, { body, timeout, leaving, mode = "cors" }, get = fetch) {
  const stop = new AbortController();
  const end = () => stop.abort();
  let late = false;
  const timer = setTimeout(() => { late = true; end(); }, timeout);
  leaving?.addEventListener("abort", end);
  try {
    const answer = await get(url, {
      method: body ? "POST" : "GET", mode, credentials: "omit", cache: "no-store",
      redirect: mode === "no-cors" ? "follow" : "error", // no-cors knows no other; the page's policy bounds it
      targetAddressSpace: "loopback", signal: stop.signal, body: body && JSON.stringify(body),
      headers: body ? { "Content-Type": "application/json", "X-Card-Bridge": "1" } : {},
    });
    if (mode === "no-cors") return { ok: true };
    const text = await bounded(answer.body);
    return { ok: answer.ok, text, body: JSON.parse(text) };
  } catch {
    return { ok: false, cause: late ? "timeout" : "PF-CA-019" };
  } finally {
    clearTimeout(timer);
    leaving?.removeEventListener("abort", end);
    end();
  }
}

async function bounded(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  for (let text = ""; ;) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
    if (text.length > maxAnswer) throw new RangeError("too long");
  }
}

// permission tells whether the browser asks before it reaches this computer:
// granted, prompt or denied. A page that itself comes from here is never asked about.
export async function permission(permissions, host) {
  if (/^(localhost|127\.[\d.]+|\[::1\])$/.test(host)) return "granted";
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      return (await permissions.query({ name })).state;
    } catch {
      // This browser does not know the name.
    }
  }
  return "granted";
}

// look tells once what stands between the page and a card: {link, cause, base}.
// The browser's question, turned away, is not put again by itself: cause "ask".
export async function look({ ports, protocol, call, permission, now }) {
  const state = await permission();
  if (state === "denied") return { link: "bridge", cause: "PF-CA-018" };
  const asked = state === "prompt", began = now();
  const bases = ports.map((port) => `http://127.0.0.1:${port}`);
  for (const base of bases) {
    const { ok, body } = await call(base + "/v1/status", { timeout: asked ? question : brief });
    if (ok && body?.bridge === "card-bridge" && Array.isArray(body.protocols) && body.protocols.includes(protocol)) return { base, ...stage(body) };
    // An absent bridge fails at once; a question takes a person's time.
    if (asked && now() - began > 1000) return { link: "bridge", cause: await permission() === "denied" ? "PF-CA-018" : "ask" };
  }
  // Somebody answers and does not let this page read: not set up for it.
  for (const base of bases) {
    if ((await call(base + "/v1/status", { timeout: brief, mode: "no-cors" })).ok) return { link: "bridge", cause: "PF-CA-033" };
  }
  return { link: "bridge", cause: "PF-CA-019" };
}

// refusal reads the bridge's last word: null when it is an answer for the provider.
export function refusal({ ok, cause, body }) {
  if (ok && typeof body?.signature === "string") return null;
  const tries = body?.tries_left;
  return { cause: cause ?? String(body?.error), tries: Number.isInteger(tries) && tries > 0 && tries < 100 ? tries : 0 };
}

function start(page) {
  const $ = (id) => document.getElementById(id);
  const texts = $("texts").content;
  const part = (text, name) => text.querySelector(`[data-part="${name}"]`).textContent;
  const say = (kind, name) => texts.querySelector(`[data-${kind}="${name}"]`)?.textContent ?? "";
  const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const { protocol, self } = page.dataset;
  const ports = page.dataset.ports.split(" ");
  const form = $("card-form"), alert = $("alert"), step = $("step");
  const left = new AbortController(), leaving = left.signal;
  const reach = (url, options) => call(url, { ...options, leaving });
  const allowed = () => permission(navigator.permissions, location.hostname);
  let cancel = () => {};

  // The states of the page: asking, looking, typing, proving, stopped.
  function enter(state) {
    page.dataset.state = state;
    $("permission").hidden = state !== "asking";
    $("progress").hidden = state === "asking";
    $("retry").hidden = state !== "stopped";
    $("stop").hidden = state !== "typing";
  }
  // show marks the open link and says what is next, or what is wrong with it.
  function show(link, text, tries) {
    for (const item of $("links").children) {
      const ahead = links.indexOf(item.dataset.link) - links.indexOf(link);
      item.dataset.state = ahead < 0 ? "done" : ahead > 0 ? "waiting" : text ? "failed" : "now";
      put(item.querySelector(".state"), say("state", item.dataset.state));
    }
    put(step, text ? "" : say("step", link));
    alert.hidden = !text;
    if (!text) return;
    const count = tries && (say("tries", tries) || say("tries", "n").replace("{n}", tries));
    put($("alert-cause"), count || part(text, "cause"));
    put($("alert-action"), part(text, "action"));
    put($("alert-code"), alert.dataset.code = text.dataset.code);
  }
  const textOf = (cause) => texts.querySelector(`[data-words~="${CSS.escape(cause)}"], [data-code="${CSS.escape(cause)}"]`);
  // stop waits for the person: no PIN is ever asked for again by itself.
  function stop(cause, tries) {
    if (leaving.aborted) return;
    if (!textOf(cause)) cause = "card_error";
    enter("stopped");
    show(linkOf(cause), textOf(cause), cause === "pin_incorrect" ? tries : 0);
    alert.focus();
  }

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const visible = () => document.visibilityState === "visible" ? null :
    new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));

  // present waits until a card of ours stands in a reader.
  async function present() {
    for (; !leaving.aborted; await pause(1000)) {
      await visible();
      const { base, link, cause } = await look({ ports, protocol, call: reach, permission: allowed, now: () => performance.now() });
      if (cause === "ask") { enter("asking"); $("allow").focus(); return ""; }
      show(link, cause && textOf(cause));
      if (link === "pin") return base;
    }
    return "";
  }

  // challenge asks the provider; a login that has moved on shows its own page.
  async function challenge() {
    const answer = await fetch(page.dataset.challenge, {
      method: "POST", headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store",
      body: new URLSearchParams({ csrf: form.elements.csrf.value }),
    });
    if (answer.ok) return answer.json();
    if (answer.status >= 500 || answer.status === 429) throw new Error(String(answer.status));
    location.assign(self);
    return null;
  }

  async function run() {
    enter("looking");
    const base = await present();
    const asked = base && await challenge().catch(() => stop("PF-SV-041"));
    if (!asked) return;
    cancel = () => reach(base + "/v1/cancel", { body: { jti: asked.jti }, timeout: brief });
    enter("typing");
    const answer = await reach(base + "/v1/authenticate", { body: { protocol, challenge: asked.challenge }, timeout: typing });
    const refused = refusal(answer);
    if (refused) { stop(refused.cause, refused.tries); return; }
    enter("proving");
    show("certificate");
    form.elements.jti.value = asked.jti;
    form.elements.answer.value = answer.text;
    try { localStorage.setItem("means", "card"); } catch { /* not kept: nothing is lost */ }
    form.submit();
  }

  // The pressed button goes away: the focus goes where the news comes.
  const again = () => { run(); step.focus(); };
  $("allow").addEventListener("click", again);
  $("retry").addEventListener("click", again);
  $("stop").addEventListener("click", () => cancel());
  // Who leaves takes the bridge's window with him.
  window.addEventListener("pagehide", () => left.abort());
  window.addEventListener("pageshow", (e) => { if (e.persisted) location.replace(location.href); });

  if (alert.dataset.code) stop(alert.dataset.code); // the provider refused: the person decides what comes next
  else allowed().then((state) => state === "prompt" ? enter("asking") : run());
}

const page = globalThis.document?.querySelector("main[data-challenge]");
if (page) start(page);
