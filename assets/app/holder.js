// What the holder does with his own e-CPS: history, phones, PIN, offline code, self-test.
import { clockSkew, now, Refusal } from "./call.js";
import { alert, ask, button, calm, el, field, form, say, show } from "./dom.js";
import * as phone from "./phone.js";
import { pinpad } from "./pinpad.js";
import { trivial } from "./pin.js";
import * as push from "./push.js";
import { draw } from "./qr-draw.js";
import { notMe } from "./request.js";
import { scan } from "./scan.js";
import { welcome } from "./welcome.js";
import { asker, date, means, moment, states, t, trivialText, why } from "./texts.js";

const home = (go) => button("home", t("Accueil", "Home"), () => go(), "quiet");

/** withPIN asks for the PIN and does work with it; a wrong one says what is left. */
function withPIN(title, text, work, go, back) {
  const again = (problem) => {
    show(title, el("p", { class: "lead" }, text), pinpad({ label: t("Votre code", "Your code"), given: async (pin) => {
      try { await work(pin); } catch (e) {
        if (!(e instanceof Refusal) || e.code !== "PF-EC-036") { show(title, button("back", t("Retour", "Back"), back, "quiet")); alert(...why(e)); return; }
        again([t(`Code faux. Essais restants : ${e.problem.tries_left}.`, `Wrong code. Tries left: ${e.problem.tries_left}.`), "PF-EC-036"]);
      }
    } }), el("p", {}, button("forgotten", t("Code oublié ?", "Forgot your code?"), () => forgotten(go), "quiet")), button("back", t("Retour", "Back"), back, "quiet"));
    if (problem) alert(...problem); else document.querySelector(".pinpad").focus();
  };
  again();
}

/** forgotten: nobody can tell or set a PIN; the ways to a new one. */
export function forgotten(go) {
  show(t("Code oublié ou e-CPS bloquée", "Code forgotten, or e-CPS locked"),
    el("p", { class: "lead" }, t("Personne ne connaît votre code, nous non plus. Activez l'e-CPS de nouveau : c'est l'affaire d'une minute.", "Nobody knows your code, nor do we. Activate the e-CPS again: it takes a minute.")),
    el("ol", {}, el("li", {}, t("Avec votre carte : « Mon e-CPS » sur un ordinateur, puis scannez le code.", "With your card: “My e-CPS” on a computer, then scan the code.")),
      el("li", {}, t("Avec deux codes : l'un par courriel, l'autre par SMS.", "With two codes: one by e-mail, one by text message."))),
    button("activate-again", t("Activer de nouveau", "Activate again"), () => welcome(go), "main"), home(go));
}

/** renewal: nothing is taken away before there is a new one (three years, S-68). */
export function renewal(go) {
  show(t("Renouveler l'e-CPS", "Renew the e-CPS"),
    el("p", { class: "lead" }, t("L'e-CPS d'aujourd'hui marche jusqu'au bout, et reste jusqu'à ce que la nouvelle soit active. Vous pouvez garder le même code.", "Today's e-CPS works to its end, and stays until the new one is active. You may keep the same code.")),
    el("ol", {}, el("li", {}, t("Avec votre carte : « Mon e-CPS » sur un ordinateur, puis scannez le code.", "With your card: “My e-CPS” on a computer, then scan the code.")),
      el("li", {}, t("Avec deux codes : l'un par courriel, l'autre par SMS.", "With two codes: one by e-mail, one by text message."))),
    button("activate-again", t("Renouveler maintenant", "Renew now"), () => welcome(go), "main"), home(go));
}

/** leave forgets this phone's keys, after asking. */
export async function leave(go) {
  const sure = await ask(t("Effacer l'e-CPS de ce téléphone ?", "Erase the e-CPS from this phone?"),
    [t("Ses clés partent pour de bon. Pour revenir, il faut une nouvelle activation.", "Its keys go for good. To come back takes a new activation.")],
    t("Effacer", "Erase"), t("Annuler", "Cancel"));
  if (!sure) return;
  await phone.leave();
  go(t("Les clés de ce téléphone sont effacées. Activez l'e-CPS de nouveau.", "The keys of this phone are erased. Activate the e-CPS again."));
}

export async function history(go) {
  try {
    const { sign_ins } = await phone.get("/history");
    show(t("Historique", "History"), sign_ins.length ? el("ul", { class: "list", id: "history" }, sign_ins.map((s, i) => el("li", {},
      el("p", {}, el("strong", {}, s.service)), el("p", { class: "hint" }, `${moment(s.at)} · ${means(s.means)} · ${asker(s.asker)} · ${s.device}`),
      s.state === "contested" ? el("p", { class: "notice" }, t("Contestée", "Contested")) : button("not-me-" + i, t("Ce n'est pas moi", "This is not me"), () => notMe(go, s.id))))) : el("p", { id: "history" }, t("Aucune connexion encore.", "No sign-in yet.")), home(go));
  } catch (e) { alert(...why(e)); }
}

export async function phones(go) {
  try {
    const { devices } = await phone.get("/devices");
    show(t("Téléphones", "Phones"), el("ul", { class: "list", id: "devices" }, devices.map((d, i) => el("li", {},
      el("p", {}, el("strong", {}, d.label), d.this ? " " + t("(celui-ci)", "(this one)") : ""),
      el("p", { class: "hint" }, `${states()[d.state] ?? d.state} · ${t("jusqu'au", "until")} ${date(d.expires_at)}`),
      d.this ? rename(d, go) : button("remove-" + i, t("Retirer", "Remove"), () => withPIN(t("Retirer ce téléphone", "Remove this phone"), d.label, async (pin) => { await phone.act("remove", d.device, pin); say(t("Téléphone retiré.", "Phone removed.")); phones(go); }, go, () => phones(go)))))),
    button("add-phone", t("Ajouter un téléphone", "Add a phone"), () => transfer(go), "main"), home(go));
  } catch (e) { alert(...why(e)); }
}

const rename = (d, go) => form("rename", async (f) => {
  calm();
  try { await phone.post("/device/label", { label: f.elements["new-label"].value.trim().slice(0, 40) }); say(t("Nom changé.", "Name changed.")); phones(go); } catch (e) { alert(...why(e)); }
}, field("new-label", t("Nom", "Name"), { type: "text", value: d.label, maxlength: "40", autocomplete: "off" }), el("button", { id: "rename-ok" }, t("Renommer", "Rename")));

async function transfer(go) {
  const [, offer] = await scan({ title: t("Scannez le nouveau téléphone", "Scan the new phone"), kinds: ["t"], back: () => phones(go),
    hint: t("Il affiche un code : « Avec mon autre téléphone ».", "It shows a code: “With my other phone”.") });
  admit(offer, go);
}

/** admit invites the new phone of an offer, with the PIN. */
export function admit(offer, go) {
  withPIN(t("Ajouter un téléphone", "Add a phone"), t("Votre code autorise le nouveau téléphone. Celui-ci reste valable un jour.", "Your code admits the new phone. This one stays good for a day."), async (pin) => {
    const { result } = await phone.act("transfer", offer, pin);
    const link = `${location.origin}/#i=${result}`;
    const rest = el("strong", { id: "time-left" });
    const signal = show(t("Montrez ce code au nouveau téléphone", "Show this code to the new phone"), el("div", { class: "code-to-scan", id: "invitation" }, draw(link, t("Code d'invitation", "Invitation code"))),
      el("p", { class: "hint figures wrap", id: "invitation-link" }, link), el("p", {}, t("Il reste", "Time left:"), " ", rest), home(go));
    const end = Date.now() + 90000;
    const tick = () => { const s = Math.max(0, Math.round((end - Date.now()) / 1000)); rest.textContent = s + "\u00a0s"; if (!s) phones(go); };
    const beat = setInterval(tick, 1000);
    signal.addEventListener("abort", () => clearInterval(beat));
    tick();
  }, go, () => phones(go));
}

export function changePIN(go) {
  withPIN(t("Changer de code", "Change the code"), t("D'abord, votre code d'aujourd'hui.", "First, today's code."), async (old) => {
    const first = (problem) => {
      show(t("Nouveau code", "New code"), pinpad({ label: t("Nouveau code", "New code"), given: (next) => (trivial(next) ? first(trivialText(trivial(next))) : second(next)) }), home(go));
      if (problem) alert(problem, "PF-EC-039"); else document.querySelector(".pinpad").focus();
    };
    const second = (next) => {
      show(t("Tapez-le encore une fois", "Type it once more"), pinpad({ label: t("Le même code", "The same code"), given: async (again) => {
        if (again !== next) return first(t("Les deux codes sont différents. Recommencez.", "The two codes differ. Start again."));
        try { await phone.changePIN(old, next); go(t("Code changé.", "Code changed.")); } catch (e) {
          show(t("Changer de code", "Change the code"), button("again", t("Recommencer", "Start again"), () => changePIN(go), "main"), button("forgotten", t("Code oublié ?", "Forgot your code?"), () => forgotten(go), "quiet"), home(go));
          alert(e instanceof Refusal && e.code === "PF-EC-036" ? t(`Le code d'aujourd'hui est faux. Essais restants : ${e.problem.tries_left}.`, `Today's code is wrong. Tries left: ${e.problem.tries_left}.`) : why(e)[0], e.code);
        }
      } }), home(go));
      document.querySelector(".pinpad").focus();
    };
    first();
  }, go, () => go());
}

/** offline works without any network: the PIN gives eight digits, and nothing says whether it was right. */
export async function offline(go) {
  const mine = await phone.load();
  if (!mine?.masked) {
    withPIN(t("Code sans réseau", "Offline code"), t("Ce téléphone n'en a pas encore. Tapez votre code, avec le réseau, pour en préparer un.", "This phone has none yet. Type your code, with a network, to prepare one."), async (pin) => { await phone.setOffline(pin); await eight(pin, go); }, go, () => go());
    return;
  }
  show(t("Code sans réseau", "Offline code"), el("p", { class: "lead" }, t("Niveau réduit, accepté par certains services. Tapez-le sur la page de connexion.", "A reduced level, accepted by some services. Type it on the sign-in page.")),
    pinpad({ label: t("Votre code", "Your code"), given: (pin) => eight(pin, go) }), home(go));
  document.querySelector(".pinpad").focus();
}

/** eight shows the digits of a PIN, whichever it is, until the screen is left. */
async function eight(pin, go) {
  const at = await phone.code(pin);
  const digits = el("output", { id: "offline-code", class: "number eight" }), rest = el("strong", {});
  const signal = show(t("Code sans réseau", "Offline code"), digits, el("p", {}, t("Change dans", "Changes in"), " ", rest),
    el("p", { class: "hint" }, t("Si la page le refuse, vérifiez votre code et l'heure du téléphone : ici, rien ne peut dire s'il est bon.", "If the page refuses it, check your code and the phone's clock: nothing here can tell whether it is right.")), home(go));
  let shown = "";
  const tick = async () => {
    const s = now(), c = await at(s);
    rest.textContent = `${30 - (s % 30)}\u00a0s`;
    if (c !== shown) { shown = c; digits.textContent = c.slice(0, 4) + "\u00a0" + c.slice(4); digits.setAttribute("aria-label", c.split("").join(" ")); }
  };
  await tick();
  const beat = setInterval(tick, 1000);
  signal.addEventListener("abort", () => clearInterval(beat));
}

/** help is « Où ça coince ? »: what this phone and the provider know, the broken link, a code for support. */
export async function help(go, info) {
  const rows = el("dl", { class: "facts", id: "self-test" });
  const row = (name, value) => rows.append(el("dt", {}, name), el("dd", {}, value));
  const signal = show(t("Aide et test", "Help and test"), el("p", { class: "lead" }, t("Nous vérifions chaque maillon.", "We check every link.")), rows, home(go));
  const mine = await phone.load();
  row(t("Clés du téléphone", "Keys of the phone"), mine ? t("présentes", "present") : t("absentes", "missing"));
  row(t("Notifications", "Notifications"), { granted: t("permises", "allowed"), denied: t("refusées dans le navigateur", "refused in the browser"), default: t("pas encore demandées", "not asked yet"), unsupported: t("pas possibles ici", "not possible here") }[push.permission()]);
  const version = new URL(import.meta.url).pathname.split("/")[2];
  row(t("Version", "Version"), version);
  if (!mine) return;
  try {
    const d = await phone.post("/diagnoses", { skew: clockSkew(), notifications: push.permission(), subscribed: await push.subscribed(), version });
    if (signal.aborted) return;
    row(t("Écart d'horloge", "Clock skew"), `${clockSkew()} s`);
    const names = { register: t("Registre", "Register"), right: t("Droit à l'e-CPS", "Right to an e-CPS"), device: t("Téléphone", "Phone"), push: t("Notifications", "Notifications"), clock: t("Heure", "Clock") };
    d.steps.forEach((s) => row(names[s.name], s.ok ? "✓ " + t("en ordre", "in order") : "✗ " + t("c'est ici que ça coince", "it is stuck here")));
    rows.after(el("p", { class: "notice", id: "broken", "data-link": d.broken }, d.broken ? t("Maillon en cause : ", "Broken link: ") + names[d.broken] : t("Tout est en ordre.", "Everything is in order.")),
      el("p", {}, t("Code pour le support :", "Code for support:"), " ", el("strong", { id: "support-code", class: "figures" }, d.code)),
      push.permission() === "default" && info?.vapid ? button("allow-push", t("Permettre les notifications", "Allow notifications"), async () => { await push.subscribe(info.vapid); help(go, info); }) : "");
    say(t("Vérification terminée.", "Check finished."));
  } catch (e) { alert(...why(e)); }
}
