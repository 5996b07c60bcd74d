// From a PIN and the phone's secret: the PIN key, and the pad of the offline
// code. Nothing here, and nothing the phone keeps, tells a right PIN from a wrong
// one: every PIN gives a valid key, and only the provider can count.
import { b64, utf8 } from "./encode.js";

const rfc8410 = Uint8Array.from([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]); // an Ed25519 seed follows

async function derive(pin, label, secret, rounds) {
  const salt = new Uint8Array([...utf8(label), ...secret]);
  const key = await crypto.subtle.importKey("raw", utf8(pin), "PBKDF2", false, ["deriveBits"]);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations: rounds }, key, 256));
}

/** pinKey gives { sign, public }: it lives as long as its caller holds it. */
export async function pinKey(pin, secret, rounds) {
  const seed = await derive(pin, "egide.ecps.pin.v1", secret, rounds);
  const key = await crypto.subtle.importKey("pkcs8", new Uint8Array([...rfc8410, ...seed]), "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  seed.fill(0);
  return { public: x, sign: async (bytes) => b64(await crypto.subtle.sign("Ed25519", key, bytes)) };
}

/** mask hides a seed under a pad of the PIN; it is its own inverse. */
export async function mask(seed, pin, secret, rounds) {
  const pad = await derive(pin, "egide.ecps.otp.v1", secret, rounds);
  return pad.map((b, i) => b ^ seed[i]);
}

/** offlineCode is the eight digits of a moment (RFC 6238, HMAC-SHA-256, 30 s). */
export async function offlineCode(seed, seconds) {
  const key = await crypto.subtle.importKey("raw", seed, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const step = new DataView(new ArrayBuffer(8));
  step.setBigUint64(0, BigInt(Math.floor(seconds / 30)));
  const mac = new DataView(await crypto.subtle.sign("HMAC", key, step.buffer));
  const at = mac.getUint8(31) & 15;
  return String((mac.getUint32(at) & 0x7fffffff) % 100000000).padStart(8, "0");
}

/** trivial tells why a PIN would be tried first, or "" (PG-15). */
export function trivial(pin) {
  if (!/^\d{4,8}$/.test(pin)) return "length";
  const d = Array.from(pin, Number);
  const step = (d[1] - d[0] + 10) % 10;
  if (d.every((x, i) => i === 0 || (x - d[i - 1] + 10) % 10 === step)) return "steps";
  const half = pin.length / 2;
  if (pin.length % 2 === 0 && pin.slice(0, half) === pin.slice(half)) return "repeats";
  if (pin.length === 4 && (pin.startsWith("19") || (pin.startsWith("20") && pin[2] <= "3"))) return "year";
  return "";
}

