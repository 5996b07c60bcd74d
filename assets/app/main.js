// The first screen, and what leads to all others.
import { Refusal, until } from "./call.js";
import { alert, button, el, say, show, top, whenBack } from "./dom.js";
import { follow } from "./follow.js";
import * as holder from "./holder.js";
import * as phone from "./phone.js";
import * as push from "./push.js";
import { request } from "./request.js";
import { fragment, scan } from "./scan.js";
import { codeText, date, hidden, language, speak, states, t, why } from "./texts.js";
import { choosePIN, confirmed, welcome } from "./welcome.js";

let waiting = [];   // requests, as the stream told them last
let obstacle = "";
let following = null, followed = "";

/** arrive does what the address asks for, once: its fragment is taken away. */
async function arrive() {
  const found = fragment(location.hash);
  if (location.hash) window.history.replaceState(null, "", location.pathname);
  const mine = await phone.load();
  return found ? follows(mine, ...found) : go();
}

/** follows does what a code says, scanned here or by the phone's own camera. */
async function follows(mine, kind, value) {
  if (kind === "i") return mine ? replace(value) : choosePIN(value, go);
  if (!mine) return go(t("Ce téléphone n'a pas encore d'e-CPS. Activez-la, puis recommencez.", "This phone has no e-CPS yet. Activate it, then start again."));
  if (kind === "t") return holder.admit(value, go);
  return claim(value, kind === "h");
}

/** replace asks before an invitation takes the place of an e-CPS that is here; until then that one stays. */
function replace(invitation) {
  show(t("Remplacer l'e-CPS de ce téléphone ?", "Replace the e-CPS of this phone?"),
    el("p", { class: "lead" }, t("Ce téléphone en a déjà une. Elle reste tant que la nouvelle n'est pas enregistrée.", "This phone has one already. It stays until the new one is registered.")),
    button("replace", t("Activer la nouvelle", "Activate the new one"), () => choosePIN(invitation, go), "main"), button("home", t("Garder l'ancienne", "Keep the old one"), () => go()));
}

/** go shows the first screen, with a word about what happened before. */
async function go(notice = "") {
  const mine = await phone.load();
  if (!mine) { stop(); return welcome(go, notice); }
  listen(mine);
  const list = el("div", { id: "waiting" });
  // Every line has its place from the start: nothing may move under a finger that is on its way.
  const fact = (text, value = "…", more = {}) => [el("dt", {}, text), el("dd", more, value)];
  const facts = el("dl", { class: "facts" }, fact(t("Identifiant", "Identifier"), hidden(mine.holder), { class: "figures" }), fact(t("Nom", "Name")), fact(t("État", "State")),
    fact(t("Valable jusqu'au", "Good until"), date(mine.expires)), fact(t("Téléphones", "Phones")));
  const tile = (id, text, work) => button(id, text, work, "tile");
  const info = { vapid: "" };
  const signal = top("e-CPS", notice ? el("p", { class: "notice", id: "notice" }, notice) : null, list, facts,
    el("nav", { class: "tiles", "aria-label": t("Que voulez-vous faire ?", "What do you want to do?") },
      tile("scan", t("Scanner", "Scan"), scanLogin), tile("offline", t("Code sans réseau", "Offline code"), () => holder.offline(go)),
      tile("history-open", t("Historique", "History"), () => holder.history(go)), tile("devices-open", t("Téléphones", "Phones"), () => holder.phones(go)),
      tile("change-pin", t("Changer de code", "Change the code"), () => holder.changePIN(go)), tile("test", t("Aide et test", "Help and test"), () => holder.help(go, info))));
  signal.addEventListener("abort", () => { shown = null; });
  shown = { list, signal };
  draw();
  try {
    Object.assign(info, await phone.get("/device"));
    if (signal.aborted) return;
    if (info.state === "pending" && info.check) return await confirmed(info.check, go) === undefined ? undefined : go();
    const days = Math.floor((info.expires_at - info.time) / 86400);
    facts.replaceChildren(...[fact(t("Identifiant", "Identifier"), hidden(mine.holder), { class: "figures" }), fact(t("Nom", "Name"), info.name), fact(t("État", "State"), states()[info.state] ?? info.state, { id: "state", "data-state": info.state }),
      fact(t("Valable jusqu'au", "Good until"), date(info.expires_at)), fact(t("Téléphones", "Phones"), String(info.devices), { id: "count" })].flat());
    if (info.tries_left < 3 && info.state === "active") facts.after(el("p", { class: "notice", id: "failed-tries" }, t(`Codes faux depuis la dernière connexion : ${3 - info.tries_left}.`, `Wrong codes since the last sign-in: ${3 - info.tries_left}.`)));
    if (days < 60 || info.state === "locked" || info.state === "expired") facts.after(el("p", { class: "notice", id: "renewal" }, info.state === "active" ? t(`Il reste ${days} jours. Renouvelez quand vous voulez.`, `${days} days left. Renew whenever you like.`) : codeText({ locked: "PF-EC-015", expired: "PF-EC-014" }[info.state]), " ", button("renew", t("Comment faire", "How to"), () => (info.state === "active" ? holder.renewal(go) : holder.forgotten(go)))));
    // A push service that forgot this phone, or a new provider key: allowed once, it is renewed by itself.
    if (info.vapid && !info.push && push.permission() === "granted") push.subscribe(info.vapid).catch(() => {});
    if (info.vapid && push.permission() === "default") facts.parentNode.append(el("p", {}, button("allow-push", t("Permettre les notifications", "Allow notifications"), () => allow(info.vapid))));
  } catch (e) { if (!signal.aborted) disowned(e); }
}

/** allow asks for notifications, and says what came of it. */
async function allow(vapid) {
  const got = await push.subscribe(vapid);
  await go(got === "granted" ? t("Les notifications sont permises.", "Notifications are allowed.")
    : t("Les notifications restent fermées. Vos demandes vous attendent ici, dans l'application.", "Notifications stay off. Your requests wait for you here, in the app."));
}

let shown = null, redraw;

/** draw writes what waits onto the first screen, when it is the one that is shown. */
function draw() {
  clearTimeout(redraw);
  if (!shown || shown.signal.aborted) return;
  // Nobody tells a phone that a request is over: it looks at the time.
  waiting = waiting.filter((r) => until(r.expires_at) > 0);
  if (waiting.length) redraw = setTimeout(draw, Math.min(...waiting.map((r) => until(r.expires_at))) * 1000 + 1);
  shown.list.replaceChildren(...(obstacle ? [el("p", { class: "notice", id: "obstacle", "data-code": obstacle }, codeText(obstacle), " ", el("span", { class: "code" }, obstacle))] : []),
    ...waiting.map((r, i) => el("section", { class: "card asking" }, el("h2", {}, r.name), el("p", {}, t("demande à vous connecter.", "asks to sign you in.")), button("open-" + i, t("Ouvrir la demande", "Open the request"), () => request(r, go), "main"))));
}

const told = new Set(); // requests that the provider knows to be here

/** heard takes the list of what waits. */
function heard(list) {
  obstacle = list.obstacle ?? "";
  waiting = list.requests;
  const fresh = waiting.filter((r) => !told.has(r.id));
  fresh.forEach((r) => { told.add(r.id); phone.post(`/requests/${encodeURIComponent(r.id)}/received`).catch(() => {}); });
  const idle = shown && !shown.signal.aborted;
  // One request, nothing else going on: it opens by itself.
  if (fresh.length === 1 && waiting.length === 1 && idle) request(fresh[0], go);
  else draw();
  if (fresh.length) say(t("Une demande vous attend.", "A request is waiting."));
}

/** look asks at once: a stream may have died while the phone slept, and takes a while to notice. */
function look() {
  if (document.visibilityState === "visible" && following) phone.get("/requests").then(heard).catch(() => {});
}

function listen(mine) {
  if (following && followed === mine.device) return;
  stop(); // of the e-CPS that this one replaces
  followed = mine.device;
  following = new AbortController();
  told.clear();
  follow(following.signal, heard, (e) => { if (e instanceof Refusal && e.code === "PF-EC-030") disowned(e); });
}

function stop() {
  following?.abort();
  following = null;
  waiting = [];
  obstacle = "";
}

/** disowned: the provider does not know this phone any more. Keys go only when the holder says so. */
function disowned(e) {
  if (!(e instanceof Refusal) || e.code !== "PF-EC-030") { alert(...why(e)); return; }
  stop();
  show("e-CPS", el("p", {}, t("Si vous venez de la retirer, tout est en ordre.", "If you have just removed it, all is well.")), button("activate-again", t("Activer de nouveau", "Activate again"), () => welcome(go), "main"), button("erase", t("Effacer l'e-CPS de ce téléphone", "Erase the e-CPS from this phone"), () => holder.leave(go)), button("home", t("Réessayer", "Try again"), () => go(), "quiet"));
  alert(...why(e));
}

async function scanLogin() {
  const found = await scan({ title: t("Scannez la page de connexion", "Scan the sign-in page"), kinds: ["l", "t", "i"], back: () => go(),
    hint: t("Ne scannez que l'écran qui est devant vous.", "Scan only the screen in front of you.") });
  return follows(await phone.load(), ...found);
}

/** claim opens the request of a login page that this phone came to. */
async function claim(token, here) {
  listen(await phone.load());
  try { request(await phone.post("/starts", { token, here }), go); } catch (e) {
    await go();
    alert(...why(e));
  }
}

function start() {
  speak(language());
  const other = document.getElementById("language");
  const label = () => { other.textContent = t("English", "Français"); other.lang = t("en", "fr"); document.getElementById("apart").textContent = t("Système indépendant, sans lien avec l'État, l'ANS ni Pro Santé Connect.", "An independent system, with no link to the French State, the ANS or Pro Santé Connect."); };
  other.addEventListener("click", () => { speak(language() === "fr" ? "en" : "fr"); label(); go(); });
  label();
  window.addEventListener("hashchange", arrive);
  whenBack(go);
  document.addEventListener("visibilitychange", look);
  if ("serviceWorker" in navigator) {
    const trusted = window.trustedTypes?.createPolicy("egide", { createScriptURL: (u) => (u === "/sw.js" ? u : "") });
    navigator.serviceWorker.register(trusted ? trusted.createScriptURL("/sw.js") : "/sw.js").catch(() => {});
    navigator.serviceWorker.addEventListener("message", () => go());
  }
  arrive().catch((e) => { show("e-CPS"); alert(...why(e)); });
}

start();
