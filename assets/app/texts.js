// Words, French and English side by side. A person never sees a bare code.
import { Refusal } from "./call.js";

let lang = localStorage.getItem("lang") ?? (navigator.language?.toLowerCase().startsWith("en") ? "en" : "fr");
export const language = () => lang;
export function speak(l) {
  lang = l;
  localStorage.setItem("lang", l);
  document.documentElement.lang = l;
}

const spaces = (s) => s.replace(/ ([:?!;»])/g, "\u00a0$1").replace(/« /g, "«\u00a0");

/** t chooses between the two languages of the house. */
export const t = (fr, en) => (lang === "en" ? en : spaces(fr));

/** group writes an identifier in groups of four, hidden but for its ends. */
export const hidden = (id) => (/^8\d{11}$/.test(id) ? `${id.slice(0, 4)}\u00a0••••\u00a0${id.slice(8)}` : id.slice(0, 3) + "…");

export const date = (s) => new Date(s * 1000).toLocaleDateString(lang === "en" ? "en-GB" : "fr-FR", { day: "numeric", month: "long", year: "numeric" });
export const moment = (s) => new Date(s * 1000).toLocaleString(lang === "en" ? "en-GB" : "fr-FR", { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
export const clock = (s) => new Date(s * 1000).toLocaleTimeString(lang === "en" ? "en-GB" : "fr-FR", { hour: "2-digit", minute: "2-digit" });

/** left writes a time that is running out. */
export function left(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s}\u00a0s`;
  if (s < 3600) return `${Math.floor(s / 60)}\u00a0min ${s % 60}\u00a0s`;
  return `${Math.floor(s / 3600)}\u00a0h ${Math.floor((s % 3600) / 60)}\u00a0min`;
}

export const asker = (kind) => ({
  computer: t("un ordinateur", "a computer"), phone: t("un téléphone", "a phone"), tablet: t("une tablette", "a tablet"),
}[kind] ?? t("un appareil inconnu", "an unknown device"));

export const means = (m) => ({ card: t("carte", "card"), ecps: "e-CPS", "ecps-offline": t("code sans réseau", "offline code") }[m] ?? m);

export const states = () => ({
  pending: t("à confirmer sur l'ordinateur", "to be confirmed on the computer"), active: t("active", "active"), locked: t("bloquée", "locked"),
  suspended: t("suspendue", "suspended"), frozen: t("gelée", "frozen"), expired: t("terminée", "ended"), revoked: t("retirée", "removed"),
});

const words = {
  "PF-EC-010": ["La demande a expiré. Aucune donnée n'a été envoyée. Recommencez depuis le service.", "The request has expired. No data was sent. Start again from the service."],
  "PF-EC-012": ["Le nombre choisi n'est pas celui de l'écran. La demande est refusée pour vous protéger.", "The number you picked is not the one on the screen. The request is refused to protect you."],
  "PF-EC-013": ["Votre e-CPS est en cours d'ouverture. En attendant, utilisez votre carte.", "Your e-CPS is being opened. Meanwhile, use your card."],
  "PF-EC-014": ["Votre e-CPS a pris fin. Activez-la de nouveau avec votre carte ou vos deux codes.", "Your e-CPS has ended. Activate it again with your card or your two codes."],
  "PF-EC-015": ["Trois codes faux : l'e-CPS de ce téléphone est bloquée. Activez-la de nouveau avec votre carte ou vos deux codes.", "Three wrong codes: the e-CPS of this phone is locked. Activate it again with your card or your two codes."],
  "PF-EC-016": ["L'e-CPS de ce téléphone est suspendue. Reprenez-la dans « Mon e-CPS » avec votre carte ou un autre téléphone.", "The e-CPS of this phone is suspended. Resume it in “My e-CPS” with your card or another phone."],
  "PF-EC-017": ["Votre fiche est close dans le registre. Adressez-vous à votre ordre ou à votre employeur.", "Your record is closed in the register. Ask your order or your employer."],
  "PF-EC-018": ["Ce téléphone n'a plus d'e-CPS. Activez-la de nouveau.", "This phone has no e-CPS any more. Activate it again."],
  "PF-EC-022": ["Tout est gelé, comme vous l'avez demandé. Levez le gel dans « Mon e-CPS » avec votre carte, ou activez de nouveau avec vos deux codes.", "Everything is frozen, as you asked. Undo it in “My e-CPS” with your card, or activate again with your two codes."],
  "PF-EC-023": ["Ce téléphone attend votre confirmation sur l'ordinateur.", "This phone waits for your confirmation on the computer."],
  "PF-EC-030": ["Ce téléphone n'est plus reconnu. Activez l'e-CPS de nouveau.", "This phone is not known any more. Activate the e-CPS again."],
  "PF-EC-031": ["L'heure du téléphone n'est pas juste. Mettez-la à l'heure automatique, puis réessayez.", "The phone's clock is wrong. Set it to automatic, then try again."],
  "PF-EC-034": ["Cette demande n'existe plus. Recommencez depuis le service.", "This request is gone. Start again from the service."],
  "PF-EC-035": ["Cette demande a déjà reçu une réponse.", "This request was answered already."],
  "PF-EC-037": ["Une copie de ce téléphone a été utilisée : l'e-CPS est suspendue. Activez-la de nouveau.", "A copy of this phone was used: the e-CPS is suspended. Activate it again."],
  "PF-EC-038": ["Ce code d'activation est inconnu, déjà utilisé ou trop ancien. Affichez-en un nouveau.", "This activation code is unknown, used or too old. Show a new one."],
  "PF-EC-041": ["Ce code n'est pas le bon. Vérifiez le message le plus récent.", "This code is wrong. Check the latest message."],
  "PF-EC-042": ["Cette activation est terminée ou trop ancienne. Recommencez.", "This activation is over or too old. Start again."],
  "PF-EC-043": ["Ce code de connexion est trop ancien ou a déjà servi. Scannez celui qui est affiché maintenant.", "This sign-in code is too old or was used. Scan the one shown now."],
  "PF-ID-001": ["Cet identifiant n'a pas 12 chiffres. Il commence par 8, suivi de votre numéro RPPS à 11 chiffres.", "This identifier does not have 12 digits. It starts with 8, followed by your 11-digit RPPS number."],
  "PF-SV-047": ["Trop d'activations depuis ce réseau. Réessayez dans une heure, ou utilisez votre carte.", "Too many activations from this network. Try again in an hour, or use your card."],
};

/** why puts a failure into words: [text, code]. */
export function why(e) {
  if (e instanceof Refusal) {
    const w = words[e.code];
    if (w) return [t(...w), e.code];
    return [t("Le service ne peut pas confirmer. Réessayez dans un instant.", "The service cannot confirm. Try again in a moment."), e.code || "PF-SV-041"];
  }
  // What fetch says when nobody answered; all else is this browser's own no.
  if (e instanceof TypeError || ["AbortError", "TimeoutError", "NetworkError"].includes(e?.name)) return [t("Pas de réponse : vérifiez la connexion du téléphone, puis réessayez.", "No answer: check the phone's connection, then try again."), ""];
  if (e?.name === "NotSupportedError") return [t("Ce navigateur est trop ancien pour garder une e-CPS. Mettez-le à jour, puis recommencez.", "This browser is too old to keep an e-CPS. Update it, then start again."), ""];
  return [t("Ce navigateur n'a pas pu le faire. Hors navigation privée, avec de la place libre, réessayez.", "This browser could not do it. Outside private browsing, with free space, try again."), ""];
}

export const codeText = (code) => (words[code] ? t(...words[code]) : "");

export const trivialText = (kind) => ({
  length: t("Le code a 4 à 8 chiffres.", "The code has 4 to 8 digits."),
  steps: t("Ce code suit une suite trop facile. Choisissez-en un autre.", "This code follows too easy a row. Choose another one."),
  repeats: t("Ce code se répète. Choisissez-en un autre.", "This code repeats itself. Choose another one."),
  year: t("Ce code ressemble à une année de naissance. Choisissez-en un autre.", "This code looks like a year of birth. Choose another one."),
}[kind]);
