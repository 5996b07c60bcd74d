// The phone: enrolment, answers, acts, and the ratchet that shows a copy of it.
import { b64, hash, jws, secret as newSecret, unb64 } from "./encode.js";
import { call, now, Refusal, setClock } from "./call.js";
import { mask, offlineCode, pinKey } from "./pin.js";
import { actDigest, answerDigest, enrolmentDigest } from "./statement.js";
import * as store from "./store.js";

const MAX_RATCHETS = 4;

/** load gives the phone that is kept here, or null. */
export const load = async () => (await store.read("phone")) ?? null;

/** offer makes the key of a phone to be, and its name: an old phone invites it by that. */
export async function offer() {
  let key = await store.read("offer");
  if (!key) {
    key = await store.newDeviceKey();
    await store.keep("offer", key);
  }
  return { key, name: await hash(b64(await store.rawPublic(key))) };
}

/** enrol makes a phone of an invitation and a PIN, with the offered key if there is one. */
export async function enrol(invitation, pin, label) {
  const params = await call(null, "GET", "/parameters");
  setClock(params.time);
  const key = (await store.read("offer")) ?? await store.newDeviceKey();
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const pk = await pinKey(pin, secret, params.rounds);
  const device_key = b64(await store.rawPublic(key));
  const e = { v: 1, iss: params.iss, invitation, device_key, pin_key: pk.public, rounds: params.rounds, label, time: now() };
  e.pin_proof = await pk.sign(await enrolmentDigest(e));
  const token = await jws(key.privateKey, "ecps-enrolment+jwt", await hash(device_key), e);
  const done = await call(null, "POST", "/devices", { enrolment: token });
  const phone = {
    v: 1, iss: params.iss, device: done.device, holder: done.holder, key, secret: await store.close(secret), rounds: params.rounds,
    ratchets: [done.ratchet], expires: done.expires_at, masked: "",
  };
  await turn(() => store.keep("phone", phone)); // not between the halves of an answer that another tab gives
  await store.forget("offer");
  secret.fill(0);
  navigator.storage?.persist?.();
  return { phone, check: done.check ?? "" };
}

/** withPIN lends the PIN key for the length of one work. */
async function withPIN(phone, pin, work) {
  const secret = await store.reveal(phone.secret);
  try {
    return await work(await pinKey(pin, secret, phone.rounds), secret);
  } finally {
    secret.fill(0);
  }
}

/** turn does what moves the ratchet, one at a time, in whichever tab. */
const turn = (work) => navigator.locks.request("egide-ecps-ratchet", async () => work(await load()));

/**
 * submit sends a message that moves the ratchet. The next value is kept before
 * it is sent and stays a candidate until we know whether the provider took it.
 */
async function submit(phone, path, body, next) {
  const had = phone.ratchets;
  const keep = (ratchets) => store.keep("phone", { ...phone, ratchets });
  const all = [...had, next];
  while (all.length > MAX_RATCHETS) all.splice(1, 1);
  await keep(all);
  try {
    const receipt = await call(phone, "POST", path, body, { once: true });
    await keep([next]);
    return receipt;
  } catch (e) {
    if (e instanceof Refusal && e.problem.moved) await keep([next]);
    else if (e instanceof Refusal && e.status < 500) await keep(had);
    throw e;
  }
}

/** answer says yes, with number and PIN, or no, without. */
export const answer = (request, decision, number, pin) => turn(async (phone) => {
  const next = newSecret();
  const a = { v: 1, iss: phone.iss, device: phone.device, holder: phone.holder, service: request.service, name: request.name, number: decision === "approve" ? number : "", asker: request.asker };
  if (request.place) a.place = request.place;
  Object.assign(a, { time: now(), transaction: request.transaction, decision, ratchets: phone.ratchets, next, pin: "" });
  if (decision === "approve") a.pin = await withPIN(phone, pin, async (k) => k.sign(await answerDigest(a)));
  const token = await jws(phone.key.privateKey, "ecps-answer+jwt", phone.device, a);
  return submit(phone, `/requests/${encodeURIComponent(request.id)}/answer`, { answer: token }, next);
});

/** act does one of the acts that want a PIN. */
export const act = (kind, subject, pin) => turn(async (phone) => {
  const next = newSecret();
  const a = { v: 1, iss: phone.iss, device: phone.device, holder: phone.holder, act: kind, subject, time: now(), ratchets: phone.ratchets, next, pin: "" };
  a.pin = await withPIN(phone, pin, async (k) => k.sign(await actDigest(a)));
  const token = await jws(phone.key.privateKey, "ecps-act+jwt", phone.device, a);
  return submit(phone, "/acts", { act: token }, next);
});

/**
 * setOffline makes the offline code of this phone; only its mask is kept. The old
 * one goes first: if the answer is lost, a code of another seed than the
 * provider's would be wrong, and nothing here could say so.
 */
export async function setOffline(pin) {
  const seed = crypto.getRandomValues(new Uint8Array(32));
  await turn((phone) => store.keep("phone", { ...phone, masked: "" }));
  await act("offline", b64(seed), pin);
  await turn(async (phone) => {
    const masked = await withPIN(phone, pin, (_, secret) => mask(seed, pin, secret, phone.rounds));
    await store.keep("phone", { ...phone, masked: b64(masked) });
  });
  seed.fill(0);
}

/** changePIN replaces the PIN with the old one, and makes the offline code anew under the new one, now or when it is next wanted. */
export async function changePIN(old, next) {
  const phone = await load();
  const key = await withPIN(phone, next, (k) => k.public);
  await act("pin", key, old);
  if (phone.masked) await setOffline(next).catch(() => {});
}

/** code gives the offline code of this moment; any PIN gives one. */
export async function code(pin) {
  const phone = await load();
  const seed = await withPIN(phone, pin, (_, secret) => mask(unb64(phone.masked), pin, secret, phone.rounds));
  return (at) => offlineCode(seed, at);
}

/** get and post are signed calls that move nothing. */
export const get = async (path) => call(await load(), "GET", path);
export const post = async (path, message = {}) => call(await load(), "POST", path, message);

/** leave forgets this phone: its keys are gone for good. */
export async function leave() {
  await store.forget("phone");
  await store.forget("offer");
}
