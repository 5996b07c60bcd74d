// Pages are made of elements and text, never of text that becomes a page.
import { why } from "./texts.js";

/** el makes an element: attributes, listeners (on...), children. */
export function el(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attributes)) {
    if (v === false || v === undefined || v === null) continue;
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (k === "value") e.value = v;
    else e.setAttribute(k, v === true ? "" : v);
  }
  e.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false && c !== ""));
  return e;
}

const main = () => document.getElementById("main");
let leaving = new AbortController();
const above = "above"; // state of the history's second step

/**
 * top shows a screen that "back" leaves the app from. All others stand one step
 * above it, and the phone's own back key or gesture leads there (whenBack).
 */
export const top = (title, ...children) => put(title, children);

/**
 * show puts a screen in place and moves the focus to its heading. What the last
 * screen was still doing ends: its signal aborts.
 */
export function show(title, ...children) {
  if (window.history.state !== above) window.history.pushState(above, "");
  return put(title, children);
}

/** whenBack calls home when the holder goes back. A new fragment tells the same event, and has a listener of its own. */
export const whenBack = (home) => window.addEventListener("popstate", () => {
  if (window.history.state === above || window.location.hash) return;
  document.querySelector("dialog")?.close("no");
  home();
});

function put(title, children) {
  leaving.abort();
  leaving = new AbortController();
  const h1 = el("h1", { tabindex: "-1" }, title);
  main().replaceChildren(h1, ...children.flat().filter(Boolean));
  document.title = title + " – e-CPS";
  h1.focus({ preventScroll: true });
  window.scrollTo(0, 0);
  return leaving.signal;
}

/** alive is the signal of the screen that is shown now. */
export const alive = () => leaving.signal;

/** say tells a change politely, once. */
export function say(text) {
  document.getElementById("news").textContent = text;
}

/** button makes one that is busy while its work is done. */
export function button(id, label, work, kind = "") {
  return el("button", {
    id, type: "button", class: kind, onclick: async (e) => {
      const b = e.currentTarget;
      if (b.getAttribute("aria-disabled") === "true") return;
      b.setAttribute("aria-disabled", "true");
      try { await work(); } catch (e) { alert(...why(e)); } finally { b.removeAttribute("aria-disabled"); }
    },
  }, label);
}

/** form makes one whose work is done on submit, busy meanwhile. */
export function form(id, work, ...children) {
  let busy = false;
  return el("form", {
    id, novalidate: true, onsubmit: async (e) => {
      e.preventDefault();
      if (busy) return;
      busy = true;
      try { await work(e.currentTarget); } catch (err) { alert(...why(err)); } finally { busy = false; }
    },
  }, ...children);
}

/** field is a labelled input. */
export function field(id, label, attributes = {}, hint = "") {
  return el("div", { class: "field" }, el("label", { for: id }, label),
    hint ? el("p", { class: "hint", id: id + "-hint" }, hint) : null,
    el("input", { id, name: id, "aria-describedby": hint ? id + "-hint" : undefined, ...attributes }));
}

/** alert is what went wrong: cause, then action, then code; it takes the focus. */
export function alert(text, code = "") {
  document.getElementById("alert")?.remove();
  const box = el("div", { id: "alert", role: "alert", tabindex: "-1", "data-code": code }, el("p", {}, text), code ? el("p", { class: "code" }, code) : null);
  main().querySelector("h1").after(box);
  box.focus();
}

export const calm = () => document.getElementById("alert")?.remove();

/** ask opens a dialog and gives true when the person goes on. */
export function ask(title, text, yes, no) {
  return new Promise((done) => {
    const d = el("dialog", { "aria-labelledby": "ask-title", onclose: () => { const ok = d.returnValue === "yes"; d.remove(); done(ok); } },
      el("h2", { id: "ask-title" }, title), ...text.map((t) => el("p", {}, t)),
      el("div", { class: "pair" },
        el("button", { id: "ask-no", type: "button", onclick: () => d.close("no") }, no),
        el("button", { id: "ask-yes", type: "button", class: "alarm", onclick: () => d.close("yes") }, yes)));
    document.body.append(d);
    d.showModal();
  });
}
