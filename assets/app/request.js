// One request: who asks, from where, which number; then the PIN. Refusing is as
// large as accepting, and nothing is accepted by one tap.
import { Refusal, until } from "./call.js";
import { alert, ask, button, calm, el, field, form, say, show } from "./dom.js";
import * as phone from "./phone.js";
import { pinpad } from "./pinpad.js";
import { asker, clock, left, t, why } from "./texts.js";
import { welcome } from "./welcome.js";

/** request shows one; go leads back to the first screen. */
export function request(r, go) {
  phone.post(`/requests/${encodeURIComponent(r.id)}/opened`).catch(() => {});
  const rest = el("strong", { id: "time-left" });
  const pick = (number) => code(r, number, go);
  const choices = r.typed
    ? form("typed-number", (f) => {
      calm();
      const n = f.elements.typed.value.trim();
      if (/^\d\d$/.test(n)) pick(n); else alert(t("Tapez les deux chiffres affichés à l'écran.", "Type the two digits shown on the screen."));
    }, field("typed", t("Nombre affiché à l'écran", "Number shown on the screen"), { type: "text", inputmode: "numeric", maxlength: "2", autocomplete: "off", class: "figures two" }),
    el("button", { id: "number-ok", class: "main" }, t("Continuer", "Continue")))
    : el("fieldset", { class: "choices" }, el("legend", {}, t("Quel nombre est affiché à l'écran ?", "Which number is on the screen?")),
      r.choices.map((n, i) => button("choice-" + (i + 1), n, () => pick(n), "choice")));
  const signal = show(t("Demande de connexion", "Sign-in request"), el("dl", { class: "facts", id: "request" },
    el("dt", {}, t("Service", "Service")), el("dd", { id: "service" }, r.name),
    r.place ? [el("dt", {}, t("Poste", "Workstation")), el("dd", { id: "place" }, r.place)] : null,
    el("dt", {}, t("Depuis", "From")), el("dd", { id: "asker" }, r.here ? t("ce téléphone", "this phone") : asker(r.asker)),
    el("dt", {}, t("Demandé à", "Asked at")), el("dd", {}, clock(r.opened_at)),
    el("dt", {}, t("Il reste", "Time left")), el("dd", {}, rest)),
  r.here ? button("choice-1", t("Continuer", "Continue"), () => pick(r.choices[0]), "main") : choices,
  el("div", { class: "stack" },
    button("refuse", t("Refuser", "Refuse"), () => refuse(r, go), "choice"),
    button("not-me", t("Ce n'est pas moi", "This is not me"), () => notMe(go, ""), "quiet")));
  run(rest, r.expires_at, signal, () => { say(t("La demande a expiré.", "The request has expired.")); go(t("La demande a expiré. Aucune donnée n'a été envoyée.", "The request has expired. No data was sent.")); });
}

/** run writes the time that is left, and says when there is none. */
function run(where, end, signal, over) {
  const tick = () => {
    const s = until(end);
    where.textContent = left(s);
    if (s <= 0) { clearInterval(beat); if (!signal.aborted) over(); }
  };
  const beat = setInterval(tick, 1000);
  signal.addEventListener("abort", () => clearInterval(beat));
  tick();
}

function code(r, number, go, tries = r.tries_left) {
  const signal = show(t("Votre code", "Your code"), el("p", { class: "lead" }, t("Pour vous connecter à", "To sign in to"), " ", el("strong", {}, r.name)),
    pinpad({ label: t("Code de l'e-CPS", "Code of the e-CPS"), note: tries < 3 ? t(`Il reste ${tries} essai${tries > 1 ? "s" : ""} avant blocage.`, `${tries} ${tries > 1 ? "tries" : "try"} left before locking.`) : "", given: (pin) => approve(r, number, pin, go) }),
    button("refuse", t("Refuser", "Refuse"), () => refuse(r, go), "choice"));
  document.querySelector(".pinpad").focus();
  const beat = setTimeout(() => { if (!signal.aborted) go(t("La demande a expiré. Aucune donnée n'a été envoyée.", "The request has expired. No data was sent.")); }, Math.max(0, until(r.expires_at) * 1000));
  signal.addEventListener("abort", () => clearTimeout(beat));
}

async function approve(r, number, pin, go) {
  try {
    const receipt = await phone.answer(r, "approve", number, pin);
    if (receipt.return) { location.replace(receipt.return); return; }
    done(receipt.wrong_pins, go);
  } catch (e) {
    if (e instanceof Refusal && e.code === "PF-EC-036") {
      code(r, number, go, e.problem.tries_left);
      alert(t("Code faux.", "Wrong code."), "PF-EC-036");
      return;
    }
    // Also when the provider could not finish, or judges another answer just now.
    if (!(e instanceof Refusal) || e.status >= 500 || e.code === "PF-EC-035") return unclear(r, number, go, e);
    over(e, go);
  }
}

/** unclear: nobody knows whether the answer arrived. Ask before a PIN is typed again. */
async function unclear(r, number, go, e) {
  try {
    const now = await phone.get(`/requests/${encodeURIComponent(r.id)}`);
    if (now.state === "approved" || now.state === "consumed") return done(0, go);
    if (now.state !== "open") return over(new Refusal(410, { code: now.state === "expired" ? "PF-EC-010" : "PF-EC-035" }), go);
    code(now, number, go, now.tries_left);
    alert(...why(e));
  } catch (again) { over(again, go); }
}

function done(wrong, go) {
  show(t("C'est fait", "Done"), el("p", { id: "done", class: "good lead" }, "✓ ", t("Vous êtes connecté. Revenez à l'écran.", "You are signed in. Go back to the screen.")),
    wrong > 0 ? el("p", { class: "notice", id: "wrong-pins" }, t(`Avant cette connexion, ${wrong} code${wrong > 1 ? "s" : ""} faux. Si ce n'était pas vous, changez de code.`, `Before this sign-in, ${wrong} wrong code${wrong > 1 ? "s" : ""}. If it was not you, change your code.`)) : null,
    button("home", t("Accueil", "Home"), () => go(), "main"));
  say(t("Connexion approuvée.", "Sign-in approved."));
}

async function refuse(r, go) {
  try {
    await phone.answer(r, "refuse");
    show(t("Demande refusée", "Request refused"), el("p", { id: "done", class: "lead" }, t("Personne n'a été connecté. La prochaine fois, vous taperez les deux chiffres.", "Nobody was signed in. Next time you will type the two digits.")),
      el("p", {}, t("Vous n'aviez rien demandé ?", "You had asked for nothing?")), button("not-me", t("Ce n'était pas moi", "It was not me"), () => notMe(go, "")), button("home", t("Accueil", "Home"), () => go(), "main"));
  } catch (e) { over(e, go); }
}

function over(e, go) {
  const [text, c] = why(e);
  const sure = e instanceof Refusal && e.status < 500 && c !== "PF-EC-035"; // else it may have gone through, here or on another phone
  show(t("Connexion arrêtée", "Sign-in stopped"), el("p", { class: "hint" }, sure ? t("Aucune donnée n'a été envoyée au service.", "No data was sent to the service.")
    : t("L'écran où vous vous connectez dit ce qu'il en est.", "The screen where you sign in says how it stands.")),
  ["PF-EC-014", "PF-EC-015", "PF-EC-037"].includes(c) ? button("activate-again", t("Activer de nouveau", "Activate again"), () => welcome(go), "main") : null,
  button("home", t("Accueil", "Home"), () => go(), "main"));
  alert(text, c);
}

/** notMe freezes everything, after saying exactly what. */
export async function notMe(go, signIn) {
  const sure = await ask(t("Tout arrêter ?", "Stop everything?"), [
    t("Aussitôt : vos demandes, tous vos téléphones, vos sessions et les accès en cours des services.", "At once: your requests, all your phones, your sessions and the services' running access."),
    t("Les services concernés sont prévenus. Les traces sont gardées.", "The services concerned are told. The traces are kept."),
    t("Pour revenir : « Mon e-CPS » avec votre carte, ou une nouvelle activation avec vos deux codes.", "To undo: “My e-CPS” with your card, or a new activation with your two codes."),
  ], t("Tout arrêter", "Stop everything"), t("Annuler", "Cancel"));
  if (!sure) return;
  try {
    const done = await phone.post("/freeze", { sign_in: signIn });
    show(t("Tout est arrêté", "Everything is stopped"), el("p", { id: "frozen", class: "lead" }, t(`Sessions fermées : ${done.sessions}. Vos téléphones ne répondent plus.`, `Sessions closed: ${done.sessions}. Your phones answer no more.`)),
      el("p", {}, t("Pour revenir : « Mon e-CPS » avec votre carte, ou une nouvelle activation avec vos deux codes.", "To undo: “My e-CPS” with your card, or a new activation with your two codes.")), button("home", t("Accueil", "Home"), () => go(), "main"));
  } catch (e) { alert(...why(e)); }
}
