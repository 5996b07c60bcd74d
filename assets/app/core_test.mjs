// The vectors that the provider's own tests write, in JavaScript: run with
// `node --test assets/app/core_test.mjs`.
import { readFileSync } from "node:fs";
import { test } from "node:test";
import assert from "node:assert/strict";
import { clockSkew, send, until } from "./call.js";
import { canonical, digest, hex, jws, unb64, utf8 } from "./encode.js";
import { mask, offlineCode, pinKey, trivial } from "./pin.js";
import { answerDigest, actDigest } from "./statement.js";

const vectors = (name) => JSON.parse(readFileSync(new URL(`../../internal/means/ecps/testdata/${name}.json`, import.meta.url)));
const unhex = (s) => Uint8Array.from(s.match(/../g), (x) => parseInt(x, 16));
const main = vectors("vectors");
const life = vectors("vectors-life");

test("a clock that is off is mended by what the provider says, and does not run after its seconds", async () => {
  const real = globalThis.fetch, ours = Math.floor(Date.now() / 1000);
  const told = async (seconds) => {
    globalThis.fetch = async () => new Response("{}", { headers: seconds === null ? {} : { Date: new Date(seconds * 1000).toUTCString() } });
    await send(null, "GET", "/parameters");
  };
  try {
    await told(null);
    assert.ok(Math.abs(clockSkew()) < 1);
    await told(ours - 600); // this phone is ten minutes ahead
    assert.ok(Math.abs(until(ours - 480) - 120) < 3);
    assert.ok(Math.abs(clockSkew() - 600) < 3);
    const before = clockSkew();
    await told(ours - 603);
    assert.equal(clockSkew(), before);
  } finally { globalThis.fetch = real; }
});

test("a PIN gives the provider's PIN key", async () => {
  for (const v of main.pin) assert.equal((await pinKey(v.pin, unhex(v.secret), v.rounds)).public, v.public);
});

test("answers have the provider's digest and signature", async () => {
  for (const v of [...main.digest, life.place]) {
    const key = v === life.place ? life.pin : main.pin[v.pin];
    const d = await answerDigest(v.answer);
    assert.equal(hex(d), v.digest);
    assert.equal(await (await pinKey(key.pin, unhex(key.secret), key.rounds)).sign(d), v.signature);
  }
});

test("acts have the provider's bytes, digest and signature", async () => {
  const key = await pinKey(life.pin.pin, unhex(life.pin.secret), life.pin.rounds);
  for (const v of life.acts) {
    const d = await actDigest(v.act);
    assert.equal(hex(d), v.digest);
    assert.equal(await key.sign(d), v.signature);
    assert.equal(canonical({ ...v.act, pin: v.signature }), v.payload);
  }
});

test("offline codes and their masks", async () => {
  for (const v of life.offline) {
    const masked = await mask(unhex(v.seed), v.pin, unhex(v.secret), v.rounds);
    assert.equal(hex(masked), v.masked);
    assert.equal(await offlineCode(await mask(masked, v.pin, unhex(v.secret), v.rounds), v.at), v.code);
  }
});

test("canonical form of names with accents, quotes and line separators", () => {
  assert.equal(canonical({ a: 'Œil <test> & "co"\\', b: "x\u2028y" }), '{"a":"Œil <test> & \\"co\\"\\\\","b":"x\\u2028y"}');
});

test("a JWS verifies under the device key", async () => {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  const token = await jws(pair.privateKey, "ecps-call+jwt", "b2Fk", { v: 1 });
  const [head, payload, sig] = token.split(".");
  assert.ok(await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, pair.publicKey, unb64(sig), utf8(head + "." + payload)));
});

test("trivial PINs", () => {
  for (const pin of ["0000", "1234", "9876", "2468", "1212", "1985", "2012", "123", "123456789", "12a4", ""]) assert.notEqual(trivial(pin), "", pin);
  for (const pin of ["2580", "4711", "193847", "2045"]) assert.equal(trivial(pin), "", pin);
});

test("no two lists of fields give one digest", async () => {
  assert.notEqual(hex(await digest("l", "ab", "c")), hex(await digest("l", "a", "bc")));
});
