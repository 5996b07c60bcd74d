// The card step: finds the bridge on this computer, follows reader and card, has
// the bridge ask for the code in its own window, and gives the answer to the
// provider as a plain form. It decides nothing and shows no text of its own: the
// provider verifies, the page holds the words.

export const order = ["bridge", "reader", "card", "pin", "certificate", "revocation", "register"];
const maxAnswer = 16384;

// stage says which link a status of the bridge leaves open, or "pin".
export function stage(status) {
  const readers = Array.isArray(status?.readers) ? status.readers.slice(0, 32) : [];
  if (readers.length === 0) return { link: "reader" };
  const there = readers.filter((r) => r?.state === "present");
  if (there.some((r) => r.card === "cps3" || r.card === "cps4")) return { link: "pin" };
  if (there.some((r) => r.card === "contactless")) return { link: "card", word: "contactless_refused" };
  if (there.length > 0 || readers.some((r) => r?.state === "mute")) return { link: "card", word: "card_not_supported" };
  if (readers.some((r) => r?.state === "busy")) return { link: "card", word: "busy" };
  return { link: "card" };
}

// linkOf says which link a word of the bridge blames.
export function linkOf(word) {
  switch (word) {
    case "no_reader": return "reader";
    case "no_card": case "card_not_supported": case "contactless_refused": case "card_removed": case "busy": case "card_error": return "card";
    case "pin_incorrect": case "pin_blocked": case "user_cancelled": case "timeout": return "pin";
    case "certificate_expired": return "certificate";
  }
  return "bridge";
}

// findBridge asks the ports in order; a bridge that does not know this page
// looks like none, and the next port is tried.
export async function findBridge(ports, protocol, call) {
  for (const port of ports) {
    const base = `http://127.0.0.1:${port}`;
    const status = await call(base + "/v1/status", { timeout: 3000 });
    if (status.ok && status.body?.bridge === "card-bridge" && status.body.protocols?.includes(protocol)) return { base, status: status.body };
  }
  return null;
}

// call fetches JSON from the bridge, bounded in time and size.
export async function call(url, { body, timeout, signal } = {}, get = fetch) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeout);
  signal?.addEventListener("abort", () => stop.abort());
  try {
    const answer = await get(url, {
      method: body ? "POST" : "GET", mode: "cors", credentials: "omit", cache: "no-store", redirect: "error",
      targetAddressSpace: "loopback", signal: stop.signal, body: body && JSON.stringify(body),
      headers: body ? { "Content-Type": "application/json", "X-Card-Bridge": "1" } : {},
    });
    const text = await answer.text();
    if (text.length > maxAnswer) return { ok: false };
    return { ok: answer.ok, status: answer.status, text, body: text ? JSON.parse(text) : null };
  } catch {
    return { ok: false };
  } finally {
    clearTimeout(timer);
  }
}

// permission tells whether the browser will ask before it reaches this computer.
export async function permission(permissions) {
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      return (await permissions.query({ name })).state;
    } catch {
      // Not known by this browser.
    }
  }
  return "granted";
}

function start(page) {
  const $ = (id) => document.getElementById(id);
  const texts = $("texts").content;
  const say = (selector) => texts.querySelector(selector)?.textContent ?? "";
  const ports = page.dataset.ports.split(" ").map(Number);
  const form = $("card-form");
  let running = false, base = null, jti = "";
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const visible = () => document.visibilityState === "visible" ? Promise.resolve() :
    new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));

  function mark(current, state) {
    const at = order.indexOf(current);
    for (const item of $("links").children) {
      const i = order.indexOf(item.dataset.link);
      const now = i < at ? "done" : i === at ? state : "waiting";
      item.dataset.state = now;
      item.querySelector(".state").textContent = say(`[data-state="${now}"]`);
    }
  }
  function step(link) {
    mark(link, "now");
    const text = say(`[data-step="${link}"]`);
    if ($("step").textContent !== text) $("step").textContent = text;
    $("stop").hidden = link !== "pin";
  }
  function tell(text, focus, tries) {
    const cause = tries && say(`[data-tries="${tries}"]`);
    $("alert-cause").textContent = cause || text.querySelector('[data-part="cause"]').textContent;
    $("alert-action").textContent = text.querySelector('[data-part="action"]').textContent;
    $("alert-code").textContent = $("alert").dataset.code = text.dataset.code;
    $("alert").hidden = false;
    if (focus) $("alert").focus();
  }
  // fail stops and waits for the person: no code is ever asked for by itself again.
  function fail(word, tries) {
    const text = texts.querySelector(`[data-words~="${CSS.escape(word)}"]`) ?? texts.querySelector('[data-words~="card_error"]');
    mark(linkOf(word), "failed");
    $("step").textContent = "";
    $("stop").hidden = true;
    tell(text, true, word === "pin_incorrect" ? tries : 0);
    $("retry").hidden = false;
    running = false;
  }
  function quiet() { $("alert").hidden = true; delete $("alert").dataset.code; }

  // present waits until a card of ours stands in a reader.
  async function present() {
    let missing = "", absent = 0;
    for (;;) {
      await visible();
      let status = null;
      if (base) {
        const answer = await call(base + "/v1/status", { timeout: 3000 });
        status = answer.ok ? answer.body : null;
      }
      if (!status) {
        const found = await findBridge(ports, page.dataset.protocol, call);
        base = found?.base ?? null;
        status = found?.status;
      }
      if (!status) {
        step("bridge");
        if (++absent === 2) {
          const code = await permission(navigator.permissions) === "denied" ? "PF-CA-018" : "PF-CA-019";
          mark("bridge", "failed");
          tell(texts.querySelector(`[data-code="${code}"]`), false);
        }
        if (absent > 1) mark("bridge", "failed");
      } else {
        if (absent) quiet();
        absent = 0;
        const now = stage(status);
        if (now.link === "pin") { quiet(); return; }
        step(now.link);
        if (now.word && now.word !== missing) tell(texts.querySelector(`[data-words~="${now.word}"]`), false);
        if (!now.word && missing) quiet();
        missing = now.word ?? "";
        if (missing) mark(now.link, "failed");
      }
      await pause(1000);
    }
  }

  async function challenge() {
    const answer = await fetch(page.dataset.challenge, {
      method: "POST", headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store",
      body: new URLSearchParams({ csrf: form.elements.csrf.value }),
    });
    if (!answer.ok) { location.assign(page.dataset.self); return null; } // the login has moved on: its page says whereto
    return answer.json();
  }

  async function run() {
    if (running) return;
    running = true;
    $("permission").hidden = true;
    $("progress").hidden = $("card-actions").hidden = false;
    $("retry").hidden = true;
    try {
      await present();
      const asked = await challenge();
      if (!asked) return;
      jti = asked.jti;
      step("pin");
      const answer = await call(base + "/v1/authenticate", { body: { protocol: page.dataset.protocol, challenge: asked.challenge }, timeout: 125000 });
      if (!answer.ok) {
        fail(typeof answer.body?.error === "string" ? answer.body.error : "card_error", answer.body?.tries_left);
        return;
      }
      step("certificate");
      form.elements.jti.value = jti;
      form.elements.answer.value = answer.text;
      form.elements.shared.value = $("shared").checked ? "1" : "";
      form.submit();
    } catch {
      fail("card_error");
    }
  }

  $("allow").addEventListener("click", run);
  $("retry").addEventListener("click", () => { quiet(); run(); });
  $("stop").addEventListener("click", () => call(base + "/v1/cancel", { body: { jti }, timeout: 3000 }));
  // Who leaves takes the bridge's window with him: the request ends with the page.
  window.addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });

  if ($("alert").dataset.code) { // the provider refused: the person decides what comes next
    $("card-actions").hidden = $("retry").hidden = false;
    $("alert").focus();
    return;
  }
  permission(navigator.permissions).then((state) => {
    if (state === "prompt") $("permission").hidden = false;
    else run();
  });
}

const page = globalThis.document?.querySelector("main[data-challenge]");
if (page) start(page);
