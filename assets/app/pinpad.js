// The pad for the PIN: large keys in their order, the keyboard too. What is typed
// is shown as dots and told as a count; it is forgotten as soon as it is given.
import { button, el } from "./dom.js";
import { t } from "./texts.js";

/**
 * pinpad gives an element that calls given(pin). note stands above the pad.
 * least and most are lengths; the pad gives by itself at exact.
 */
export function pinpad({ label, note = "", exact = 0, given }) {
  let typed = "", busy = false;
  const dots = el("output", { id: "pin-dots", class: "dots" });
  const show = () => {
    dots.textContent = typed ? "●".repeat(typed.length) : "–";
    dots.setAttribute("aria-label", t(`${typed.length} chiffres tapés`, `${typed.length} digits typed`));
  };
  const give = async () => {
    if (busy || typed.length < 4) return;
    busy = true;
    const pin = typed;
    typed = "";
    show();
    box.setAttribute("aria-busy", "true");
    try { await given(pin); } finally { busy = false; box.removeAttribute("aria-busy"); }
  };
  const press = (d) => {
    if (busy || typed.length >= 8) return;
    typed += d;
    show();
    if (exact && typed.length === exact) give();
  };
  const back = () => { typed = typed.slice(0, -1); show(); };
  const keys = ["1", "2", "3", "4", "5", "6", "7", "8", "9"].map((d) => button("pin-" + d, d, () => press(d), "key"));
  const box = el("section", {
    class: "pinpad", "aria-label": label, tabindex: "0", onkeydown: (e) => {
      if (/^\d$/.test(e.key)) press(e.key);
      else if (e.key === "Backspace") back();
      else if (e.key === "Enter" && !(e.target instanceof HTMLButtonElement && !e.target.id.startsWith("pin-ok"))) give();
      else return;
      e.preventDefault();
    },
  }, el("h2", {}, label), note ? el("p", { id: "tries" }, note) : null, dots,
  el("div", { class: "keys" }, keys, button("pin-delete", "⌫", back, "key"), button("pin-0", "0", () => press("0"), "key"), button("pin-ok", "OK", give, "key main")));
  box.querySelector("#pin-delete").setAttribute("aria-label", t("Effacer un chiffre", "Delete one digit"));
  show();
  return box;
}
