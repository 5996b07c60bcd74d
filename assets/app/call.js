// Calls of the device API. All but the first few are signed by the device key,
// in the manner of DPoP, bound to the body too (protocol, section 4).
import { b64, canonical, id, jws, sha256, utf8 } from "./encode.js";

export const API = "/ecps/v1";
const patience = 20000;

/** Refusal is the provider's no; offline is nobody's answer. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.code || "HTTP " + status);
    this.status = status;
    this.problem = problem;
    this.code = problem.code;
  }
}

let skew = 0; // milliseconds of the provider's clock against ours

/** now is the provider's time in seconds, as far as we know it. */
export const now = () => Math.floor((Date.now() + skew) / 1000);
/** until is how many seconds remain to an instant of the provider's, whatever this phone's clock says. */
export const until = (seconds) => seconds - (Date.now() + skew) / 1000;
export const clockSkew = () => Math.round(-skew / 1000);
export function setClock(seconds) { if (seconds) skew = seconds * 1000 - Date.now(); }

/** learn takes the time from an answer; it is told in seconds, and the network takes some. */
function learn(date) {
  const s = Date.parse(date ?? "") / 1000;
  if (Math.abs(until(s)) > 5) setClock(s);
}

/** proof signs one call. */
async function proof(phone, method, path, body) {
  const bh = b64(await sha256(utf8(body ?? "")));
  return "ECPS " + await jws(phone.key.privateKey, "ecps-call+jwt", phone.device, { v: 1, iss: phone.iss, htm: method, htu: path, bh, iat: now(), jti: id() });
}

/** send makes one exchange; phone may be null for what a phone without a key calls. */
export async function send(phone, method, path, message, more = {}) {
  const body = message === undefined ? undefined : canonical(message);
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (phone) headers.Authorization = await proof(phone, method, path, body);
  const signal = more.signal ?? AbortSignal.timeout(more.patience ?? patience);
  const res = await fetch(API + path, { method, headers, body, signal, cache: "no-store", credentials: "omit", redirect: "error" });
  learn(res.headers.get("Date"));
  if (res.ok) return res;
  let problem = {};
  try { problem = await res.json(); } catch { /* not the provider's words */ }
  throw new Refusal(res.status, problem);
}

/** call sends and reads. A clock that is off is mended by the provider's own, once. */
export async function call(phone, method, path, message, more) {
  let res;
  try {
    res = await send(phone, method, path, message, more);
  } catch (e) {
    // Not for what is signed inside the message too: that has a time of its own.
    if (!(e instanceof Refusal) || e.code !== "PF-EC-031" || more?.once) throw e;
    setClock(e.problem.time);
    res = await send(phone, method, path, message, more);
  }
  return res.status === 204 ? null : res.json();
}
