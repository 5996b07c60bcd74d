// The one accepted form of every message (docs/protocols/ecps.md, section 2).
const text = new TextEncoder();

/** utf8 gives the bytes of a string. */
export const utf8 = (s) => text.encode(s);

/** b64 is base64url without padding. */
export function b64(bytes) {
  let s = "";
  for (const b of new Uint8Array(bytes)) s += String.fromCharCode(b);
  return btoa(s).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** unb64 reads base64url. */
export function unb64(s) {
  const bin = atob(s.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(bin, (c) => c.charCodeAt(0));
}

export const hex = (bytes) => Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, "0")).join("");

/**
 * canonical writes a message as the provider expects it, byte for byte: members
 * in the order given, no spaces. JSON.stringify leaves two characters as they
 * are that the provider's encoder escapes.
 */
export const canonical = (message) =>
  JSON.stringify(message).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");

export const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

/** hash is SHA-256 of a string in base64url. */
export const hash = async (s) => b64(await sha256(utf8(s)));

/**
 * digest hashes a label and fields, each with its length before it, so that no
 * two lists of fields give the same bytes.
 */
export async function digest(label, ...fields) {
  const parts = [label, ...fields].map(utf8);
  const all = new Uint8Array(parts.reduce((n, p) => n + 4 + p.length, 0));
  const view = new DataView(all.buffer);
  let at = 0;
  for (const p of parts) {
    view.setUint32(at, p.length);
    all.set(p, at + 4);
    at += 4 + p.length;
  }
  return sha256(all);
}

/** secret draws 256 random bits in base64url; id draws 128. */
export const secret = () => b64(crypto.getRandomValues(new Uint8Array(32)));
export const id = () => b64(crypto.getRandomValues(new Uint8Array(16)));

/** jws signs a message with the device key (ES256, RFC 7515). */
export async function jws(key, typ, kid, message) {
  const head = b64(utf8(canonical({ alg: "ES256", kid, typ }))) + "." + b64(utf8(canonical(message)));
  const sig = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, utf8(head));
  return head + "." + b64(sig);
}
