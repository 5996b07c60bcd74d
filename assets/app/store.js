// What the phone keeps, in IndexedDB: the device key, which no script can read
// out, the secret, closed under a key that no script can read out, and what is
// public. No PIN, no PIN key, nothing to try a PIN against.
const NAME = "egide-ecps", STORE = "phone";

let opening;
function open() {
  opening ??= new Promise((done, failed) => {
    const r = indexedDB.open(NAME, 1);
    r.onupgradeneeded = () => r.result.createObjectStore(STORE);
    r.onsuccess = () => done(r.result);
    r.onerror = () => failed(r.error);
    r.onblocked = () => failed(new Error("storage is held by another tab"));
  });
  return opening;
}

async function run(mode, work) {
  const db = await open();
  return new Promise((done, failed) => {
    const tx = db.transaction(STORE, mode, mode === "readwrite" ? { durability: "strict" } : undefined);
    const request = work(tx.objectStore(STORE));
    tx.oncomplete = () => done(request?.result);
    tx.onerror = tx.onabort = () => failed(tx.error ?? new Error("storage refused"));
  });
}

/** read gives what was kept under a name, or undefined. */
export const read = (name) => run("readonly", (s) => s.get(name));

/** keep writes it in one transaction, to the disk: a phone that loses a ratchet looks like a copy of itself. */
export const keep = (name, value) => run("readwrite", (s) => s.put(value, name));

/** forget drops it. */
export const forget = (name) => run("readwrite", (s) => s.delete(name));

/** newDeviceKey makes a P-256 pair whose private half never leaves the browser. */
export const newDeviceKey = () => crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);

/** rawPublic is the uncompressed point. */
export async function rawPublic(pair) {
  return new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
}

/** close hides the secret under a fresh key that stays in the browser. */
export async function close(secret) {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { key, iv, data: new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, secret)) };
}

/** reveal opens it again, for as long as a PIN is being used. */
export async function reveal({ key, iv, data }) {
  return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, data));
}
