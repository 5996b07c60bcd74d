// Before there is an e-CPS on this phone: the three ways to one, and the PIN.
import { call, Refusal, until } from "./call.js";
import { alert, button, calm, el, field, form, say, show, top } from "./dom.js";
import { pinpad } from "./pinpad.js";
import { trivial } from "./pin.js";
import { draw } from "./qr-draw.js";
import * as phone from "./phone.js";
import { scan } from "./scan.js";
import { left, moment, t, trivialText, why } from "./texts.js";

/**
 * welcome shows the ways, in the same order each time. go is what follows an
 * activation. An e-CPS that is here already stays until a new one takes its
 * place: never delete first, then hope.
 */
export async function welcome(go, notice = "") {
  const keep = await phone.load();
  const way = (id, title, text, work) => el("section", { class: "card" }, el("h2", {}, title), el("p", {}, text), button(id, t("Commencer", "Start"), work, "main"));
  (keep ? show : top)(t("Activer votre e-CPS", "Activate your e-CPS"), notice ? el("p", { class: "notice", id: "notice" }, notice) : null,
    el("p", { class: "lead" }, t("Vous seul pouvez l'activer. Choisissez ce que vous avez sous la main.", "You alone can activate it. Choose what you have at hand.")),
    way("way-qr", t("Avec ma carte", "With my card"), t("Sur un ordinateur, ouvrez « Mon e-CPS », connectez-vous avec la carte, puis scannez le code affiché.", "On a computer, open “My e-CPS”, sign in with the card, then scan the code shown."), () => byQR(go)),
    way("way-codes", t("Avec deux codes", "With two codes"), t("L'un arrive par courriel, l'autre par SMS, aux coordonnées que le registre connaît.", "One comes by e-mail, the other by text message, to the contact details on record."), () => byCodes(go)),
    way("way-transfer", t("Avec mon autre téléphone", "With my other phone"), t("L'e-CPS y est déjà : les deux téléphones se scannent l'un l'autre.", "The e-CPS is on it already: the two phones scan each other."), () => byPhone(go)),
    keep ? button("home", t("Garder l'e-CPS d'aujourd'hui", "Keep today's e-CPS"), () => go(), "quiet") : null);
}

async function byQR(go) {
  const [, code] = await scan({
    title: t("Scannez le code de « Mon e-CPS »", "Scan the code of “My e-CPS”"), kinds: ["i"], back: () => welcome(go),
    hint: t("Il reste affiché 90 secondes.", "It is shown for 90 seconds."),
  });
  choosePIN(code, go);
}

/** tidy does what the login page does: 11 digits get their 8, spaces go. */
function tidy(typed) {
  const s = typed.replace(/[\s.\u00a0-]/g, "");
  return /^[129]\d{10}$/.test(s) ? "8" + s : s;
}

function byCodes(go) {
  const help = el("p", { class: "hint", id: "identifier-help", "aria-live": "polite" });
  show(t("Recevoir deux codes", "Receive two codes"),
    form("identifier-form", async (f) => {
      calm();
      const identifier = tidy(f.elements.identifier.value);
      try {
        const a = await call(null, "POST", "/activations", { identifier });
        secrets(a, identifier, go);
      } catch (e) { alert(...why(e)); }
    }, field("identifier", t("Identifiant national", "National identifier"), {
      type: "text", inputmode: "text", autocomplete: "username", autocapitalize: "characters", spellcheck: "false", maxlength: "80", class: "figures", required: true,
      oninput: (e) => {
        const s = e.target.value.replace(/[\s.-]/g, "");
        help.textContent = /^[129]\d{10}$/.test(s) ? t("11 chiffres : nous ajoutons le 8 pour vous.", "11 digits: we add the 8 for you.") : "";
      },
    }, t("8 suivi de vos 11 chiffres RPPS.", "8 followed by your 11 RPPS digits.")), help,
    el("p", { class: "hint" }, t("Les codes partent aux coordonnées du registre, que votre employeur ou votre ordre peut corriger. Ni ligne fixe, ni adresse MSSanté.", "The codes go to the contact details on record, which your employer or order can correct. No landline, no MSSanté address.")),
    el("button", { id: "start-activation", class: "main" }, t("Envoyer les deux codes", "Send the two codes"))),
    button("back", t("Retour", "Back"), () => welcome(go), "quiet"));
}

function secrets(a, identifier, go) {
  const rest = el("strong", { id: "time-left" });
  const one = (channel, id, label, hint, attributes) => form("form-" + channel, async (f) => {
    calm();
    try {
      const s = await call(null, "POST", `/activations/${encodeURIComponent(a.activation)}/secrets`, { channel, secret: f.elements[id].value });
      if (s.invitation) return choosePIN(s.invitation, go);
      if (s.opens_at) return notYet(s.opens_at, go);
      f.replaceChildren(el("p", { class: "good", id: "proven-" + channel }, "✓ ", label));
      say(t("Code bon. Il manque l'autre.", "Right code. The other one is missing."));
      document.querySelector("form input")?.focus();
    } catch (e) {
      const [text, code] = why(e);
      alert(e instanceof Refusal && e.problem.tries_left !== undefined ? `${text} ${t("Essais restants :", "Tries left:")} ${e.problem.tries_left}.` : text, code);
    }
  }, field(id, label, { type: "text", autocomplete: "one-time-code", autocapitalize: "characters", spellcheck: "false", class: "figures", maxlength: "20", required: true, ...attributes }, hint),
  el("button", { id: "prove-" + channel }, t("Vérifier", "Check")));
  const signal = show(t("Tapez les deux codes", "Type the two codes"),
    el("p", { class: "lead" }, t("Si cet identifiant est le vôtre, deux messages sont en route.", "If this identifier is yours, two messages are on their way.")),
    el("p", {}, t("Il reste", "Time left:"), " ", rest),
    one("mail", "secret-mail", t("Code du courriel", "Code from the e-mail"), t("8 lettres et chiffres", "8 letters and digits"), {}),
    one("sms", "secret-sms", t("Code du SMS", "Code from the text message"), t("8 chiffres", "8 digits"), { inputmode: "numeric" }),
    el("details", {}, el("summary", {}, t("Je n'ai rien reçu", "I received nothing")), el("ul", {},
      el("li", {}, t("Regardez les courriers indésirables.", "Look into the junk mail.")),
      el("li", {}, t("Vérifiez l'identifiant tapé :", "Check the identifier typed:"), " ", el("span", { class: "figures" }, identifier)),
      el("li", {}, t("Les coordonnées du registre ont changé ? Votre employeur ou votre ordre les corrige. En attendant : la carte.", "Contact details changed? Your employer or order corrects them. Meanwhile: the card.")))),
    button("again", t("Recommencer l'envoi", "Send again"), () => byCodes(go)),
    button("back", t("Retour", "Back"), () => welcome(go), "quiet"));
  const tick = () => { rest.textContent = left(until(a.expires_at)); };
  tick();
  const beat = setInterval(tick, 1000);
  signal.addEventListener("abort", () => clearInterval(beat));
}

/** notYet: 48 hours after registration (S-37); told only to whom has proven a secret. */
function notYet(opensAt, go) {
  show(t("Encore un peu de patience", "A little patience"),
    el("p", { class: "lead", id: "opens", "data-code": "PF-EC-013" }, t("Votre e-CPS s'ouvre 48 heures après votre enregistrement : le ", "Your e-CPS opens 48 hours after your registration: on "), el("strong", {}, moment(opensAt)), "."),
    el("p", {}, t("Encore", "Still"), " ", el("strong", { id: "opens-in" }, left(until(opensAt))), "."),
    el("p", {}, t("En attendant, utilisez votre carte si vous en avez une. Personne n'a rien d'autre à faire.", "Meanwhile, use your card if you have one. Nobody has anything else to do.")),
    el("p", { class: "code" }, "PF-EC-013"), button("back", t("Retour", "Back"), () => welcome(go), "quiet"));
}

async function byPhone(go) {
  const mine = await phone.offer();
  show(t("Montrez ce code à l'autre téléphone", "Show this code to the other phone"),
    el("p", { class: "lead" }, t("Sur l'ancien téléphone : « Téléphones », puis « Ajouter un téléphone ».", "On the old phone: “Phones”, then “Add a phone”.")),
    el("div", { class: "code-to-scan", id: "offer" }, draw(`${location.origin}/#t=${mine.name}`, t("Code de ce nouveau téléphone", "Code of this new phone"))),
    el("p", { class: "hint figures wrap", id: "offer-link" }, `${location.origin}/#t=${mine.name}`),
    button("scan-answer", t("Scanner sa réponse", "Scan its answer"), async () => {
      const [, code] = await scan({ title: t("Scannez la réponse", "Scan the answer"), kinds: ["i"], hint: t("L'ancien téléphone affiche un code pendant 90 secondes.", "The old phone shows a code for 90 seconds."), back: () => byPhone(go) });
      choosePIN(code, go);
    }, "main"), button("back", t("Retour", "Back"), () => welcome(go), "quiet"));
}

/** choosePIN: chosen by the holder, twice; trivial ones refused with the reason (PG-15). */
export function choosePIN(invitation, go) {
  const first = (problem = "") => {
    show(t("Choisissez un code", "Choose a code"), el("p", { class: "lead" }, t("4 chiffres ou plus, que vous seul connaîtrez : il n'est écrit nulle part, et personne ne peut vous le redonner.", "4 digits or more that you alone will know: it is written nowhere, and nobody can give it back to you.")),
      pinpad({ label: t("Nouveau code", "New code"), given: (pin) => {
        const bad = trivial(pin);
        if (bad) { first(trivialText(bad)); return; }
        second(pin);
      } }), button("back", t("Annuler", "Cancel"), () => welcome(go), "quiet"));
    if (problem) alert(problem, "PF-EC-039"); else document.querySelector(".pinpad").focus();
  };
  const second = (pin) => {
    show(t("Tapez-le encore une fois", "Type it once more"), pinpad({ label: t("Le même code", "The same code"), given: (again) => {
      if (again !== pin) { first(t("Les deux codes sont différents. Recommencez.", "The two codes differ. Start again.")); return; }
      name(pin);
    } }), button("back", t("Annuler", "Cancel"), () => welcome(go), "quiet"));
    document.querySelector(".pinpad").focus();
  };
  const name = (pin) => {
    show(t("Donnez un nom à ce téléphone", "Name this phone"), form("label-form", async (f) => {
      calm();
      const label = f.elements.label.value.trim() || t("Mon téléphone", "My phone");
      try {
        const { check } = await phone.enrol(invitation, pin, label.slice(0, 40));
        const sure = check ? await confirmed(check, go) : true;
        if (sure === undefined) return;
        if (!sure) return go(); // refused there: the first screen says what is
        await phone.setOffline(pin).catch(() => {}); // made again later, when the PIN is changed or the screen is opened
        say(t("Votre e-CPS est active.", "Your e-CPS is active."));
        go();
      } catch (e) { alert(...why(e)); }
    }, field("label", t("Nom, pour le reconnaître dans la liste", "Name, to recognise it in the list"), { type: "text", maxlength: "40", value: t("Mon téléphone", "My phone"), autocomplete: "off" }),
    el("button", { id: "finish", class: "main" }, t("Activer", "Activate"))));
    document.getElementById("label").focus();
  };
  first();
}

/** confirmed shows the two digits until the holder has compared them on the portal. It tells whether he said yes, or nothing when he left the screen. */
export async function confirmed(check, go) {
  const signal = show(t("Comparez ces chiffres", "Compare these digits"),
    el("p", { class: "lead" }, t("L'ordinateur affiche-t-il le même nombre ? Confirmez-le là-bas.", "Does the computer show the same number? Confirm it there.")),
    el("output", { id: "check", class: "number", "aria-label": check.split("").join(" ") }, check),
    el("p", { class: "hint" }, t("Si le nombre est différent, refusez sur l'ordinateur.", "If the number differs, refuse on the computer.")),
    button("other-way", t("Activer autrement", "Activate another way"), () => welcome(go), "quiet"));
  while (!signal.aborted) {
    const info = await phone.get("/device").catch((e) => (e instanceof Refusal && e.status < 500 ? { state: "" } : null));
    if (!signal.aborted && info && info.state !== "pending") return info.state === "active";
    await new Promise((r) => setTimeout(r, 1500));
  }
  return undefined;
}

