// The reader of QR codes against pictures drawn here from what the provider's pages
// show (internal/platform/web/testdata/qr): `node --test assets/app/qr_test.mjs`.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { test } from "node:test";
import assert from "node:assert/strict";
import { decodeQR } from "./qr.js";

const dir = new URL("../../internal/platform/web/testdata/qr/", import.meta.url);
const texts = {
  one: "A",
  start: "https://ecps.exemple.invalid/app/#i=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4",
  long: "https://ecps.exemple.invalid/app/#t=" + "Ab3_-xYz".repeat(15),
  digits: "8997009".repeat(9),
  letters: "HTTPS://EXEMPLE.INVALID/ABC-123 $%*+",
  accents: "Identité professionnelle de Mme EXEMPLE à Orléans, œuvre n° 12 €",
  most: "0aB~é".repeat(85) + "zz",
};

/** drawn reads the path of a golden SVG: { side, at } with the quiet zone, 1 is dark. */
function drawn(name) {
  const svg = readFileSync(new URL(name + ".svg", dir), "utf8");
  const side = Number(/viewBox="0 0 (\d+) /.exec(svg)[1]), at = new Uint8Array(side * side);
  for (const [, x, y, n] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h-/g)) at.fill(1, y * side + +x, y * side + +x + +n);
  return { side, at };
}
const codes = Object.fromEntries(Object.keys(texts).map((name) => [name, drawn(name)]));

/** chance is a generator of numbers below 1 that repeats itself from run to run. */
function chance(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const bell = Float64Array.from({ length: 1 << 14 }, ((next) => () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()))(chance(5)));

/**
 * photo is what a camera sees of a code lying in a plane: module in pixels at its
 * middle, angles in degrees, distance in sides of the code, light(x, y) from 0 to 1.
 */
function photo(code, { width = 640, height = 480, module = 5, roll = 0, yaw = 0, pitch = 0, distance = 2.5, dx = 0, dy = 0,
  dark = 25, light = 230, around = 180, blur = 0, noise = 0, lamp = null, seed = 1 } = {}) {
  const [a, b, c] = [roll, yaw, pitch].map((x) => x * Math.PI / 180);
  const [ca, sa, cb, sb, cc, sc] = [a, b, c].flatMap((x) => [Math.cos(x), Math.sin(x)]);
  // The plane's two axes in space, after roll, yaw and pitch.
  const turn = (x, y) => { const [x1, y1] = [ca * x - sa * y, sa * x + ca * y], z1 = -sb * x1; return [cb * x1, cc * y1 - sc * z1, sc * y1 + cc * z1]; };
  const u = turn(1, 0), v = turn(0, 1), far = distance * code.side, f = module * far;
  const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  const [a0, a1, a2, b0, b1, b2, c0, c1, c2] = [cross(v, [0, 0, far]), cross([0, 0, far], u), cross(u, v)].flat();
  // Nothing of the code is further from the middle than this, even where it comes nearest.
  const grey = new Float64Array(width * height), n = 2, { side, at } = code, reach = (module * side * 0.71 / (1 - 0.71 / distance)) ** 2;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const px = x - width / 2 - dx, py = y - height / 2 - dy;
    let sum = px * px + py * py > reach ? n * n * around : 0;
    for (let k = sum ? n * n : 0; k < n * n; k++) {
      const rx = (px + ((k & 1) + 0.5) / n) / f, ry = (py + ((k >> 1) + 0.5) / n) / f, z = c0 * rx + c1 * ry + c2;
      const mx = Math.floor((a0 * rx + a1 * ry + a2) / z + side / 2), my = Math.floor((b0 * rx + b1 * ry + b2) / z + side / 2);
      sum += mx < 0 || my < 0 || mx >= side || my >= side ? around : at[my * side + mx] ? dark : light;
    }
    grey[y * width + x] = sum / (n * n) * (lamp ? lamp(x / width, y / height) : 1);
  }
  for (let i = 0; i < blur; i++) soften(grey, width, height);
  const next = chance(seed), data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < grey.length; i++) {
    const e = noise ? noise * bell[Math.floor(next() * bell.length)] : 0;
    data[4 * i] = data[4 * i + 1] = data[4 * i + 2] = grey[i] + e;
    data[4 * i + 3] = 255;
  }
  return { data, width, height };
}

/** soften blurs once with 1-2-1 both ways: a deviation of 0.7 pixels; n times is the root of n as much. */
function soften(grey, width, height) {
  for (const [step, count, line, lines] of [[1, width, width, height], [width, height, 1, width]]) {
    for (let l = 0; l < lines; l++) {
      let before = grey[l * line];
      for (let i = 0, o = l * line; i < count; i++, o += step) {
        const here = grey[o], after = i + 1 < count ? grey[o + step] : here;
        grey[o] = (before + 2 * here + after) / 4;
        before = here;
      }
    }
  }
}

/** rate reads one picture per row of settings and asserts how many were read right; a wrong text is never allowed. */
function rate(t, what, rows, least) {
  let right = 0;
  const missed = [];
  for (const [name, settings] of rows) {
    const got = decodeQR(photo(settings.code ?? codes[name], settings));
    if (got === texts[name]) right++;
    else {
      assert.equal(got, null, `${what}: ${name} read as something else`);
      const { code, lamp, ...told } = settings;
      missed.push(name + JSON.stringify(told));
    }
  }
  t.diagnostic(`${what}: ${right} of ${rows.length}`);
  assert.ok(right >= least * rows.length, `${what}: ${right} of ${rows.length} read, at least ${least * 100} % expected; missed ${missed.slice(0, 5).join(" ")}`);
}

const urls = ["start", "long"];
const every = (from, to, step) => Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);

test("the module a phone loads stays small and imports nothing", (t) => {
  const url = new URL("qr.js", import.meta.url);
  const source = readFileSync(url, "utf8"), zipped = gzipSync(source).length;
  t.diagnostic(`${source.length} bytes, ${zipped} as they travel`);
  assert.ok(zipped < 8 * 1024 && source.length < 19 * 1024);
  assert.doesNotMatch(source, /\b(import|require|fetch|eval)\b/);
});

test("clean, at every scale", (t) => {
  const scales = { one: [2, 3, 4, 6, 9, 14], digits: [2, 3, 4, 6, 9, 12], letters: [2, 3, 4, 6, 9, 12], start: [2, 2.5, 3, 4, 5.5, 7, 10], accents: [2, 3, 4, 6, 9], long: [2, 3, 4, 5.3, 6], most: [2, 3, 4, 4.8] };
  rate(t, "clean", Object.entries(scales).flatMap(([name, list]) => list.map((module) => [name, { module }])), 1);
});

test("turned by any angle", (t) => {
  rate(t, "turned", urls.flatMap((name) => every(0, 350, 25).map((roll) => [name, { roll: roll + (name === "long" ? 5 : 0), module: name === "long" ? 4.2 : 5, dx: 7 - roll / 30, dy: roll / 40 }])), 1);
  rate(t, "turned, smallest and largest code", ["one", "most"].flatMap((name) => every(0, 345, 40).map((roll) => [name, { roll, module: name === "most" ? 3.4 : 8 }])), 1);
});

test("light on dark", (t) => {
  rate(t, "inverted", urls.flatMap((name) => every(0, 330, 30).map((roll) => [name, { roll, dark: 230, light: 25, around: 60, module: 4.5 }])), 1);
});

test("slanted", (t) => {
  const at = (name, tilt) => every(0, 315, 45).map((way) => [name, { yaw: tilt * Math.cos(way / 57.3), pitch: tilt * Math.sin(way / 57.3), roll: 3 * way, module: name === "long" ? 4.5 : 6 }]);
  for (const [tilt, least] of [[15, 1], [25, 1], [35, 0.95], [45, 0.75]]) rate(t, `slanted by ${tilt} degrees`, [...urls, "one"].flatMap((name) => at(name, tilt)), least);
});

test("blurred", (t) => {
  for (const [blur, least] of [[2, 1], [6, 1], [9, 1], [12, 0.9]]) rate(t, `blurred by ${(0.71 * Math.sqrt(blur)).toFixed(1)} pixels`, urls.flatMap((name) => every(0, 84, 14).map((roll) => [name, { blur, roll, module: 5 }])), least);
});

test("noisy", (t) => {
  for (const [noise, least] of [[10, 1], [25, 1], [40, 0.9]]) rate(t, `noise of ${noise} levels`, urls.flatMap((name) => every(0, 84, 14).map((roll) => [name, { noise, roll, module: 5, seed: roll + 1 }])), least);
});

test("uneven light", (t) => {
  const lamps = { "a slope": (x, y) => 0.25 + 0.75 * x * (1 - y / 3), "a spot": (x, y) => 0.2 + 0.8 * Math.exp(-8 * ((x - 0.4) ** 2 + (y - 0.6) ** 2)), "a shadow's edge": (x, y) => (x + y / 2 < 0.7 ? 0.45 : 1) };
  for (const [what, lamp] of Object.entries(lamps)) rate(t, what, urls.flatMap((name) => every(0, 84, 14).map((roll) => [name, { lamp, roll, module: 4.5, noise: 3 }])), 0.95);
  rate(t, "pale print", urls.flatMap((name) => every(0, 84, 14).map((roll) => [name, { dark: 120, light: 165, around: 150, noise: 3, roll }])), 1);
});

test("everything at once, as in a hand", (t) => {
  const next = chance(7), between = (a, b) => a + (b - a) * next();
  rate(t, "in a hand", every(1, 60, 1).map((seed) => [urls[seed % 2], { seed, roll: between(0, 360), yaw: between(-20, 20), pitch: between(-20, 20), module: between(4, 5), dx: between(-20, 20), dy: between(-10, 10),
    blur: Math.floor(between(0, 5)), noise: between(2, 14), dark: between(10, 70), light: between(150, 240), lamp: (x, y) => 0.6 + 0.4 * x * y }]), 0.95);
});

/** damaged turns over one square of modules with this many code words' worth in it, in the middle of the data. */
function damaged(code, size, x, y) {
  const at = code.at.slice();
  for (let j = 0; j < size; j++) for (let i = 0; i < size; i++) at[(y + j) * code.side + x + i] ^= 1;
  return { side: code.side, at };
}

test("damage up to what level M corrects is repaired, more gives nothing", (t) => {
  // Version 5 (start) corrects 12 words in each of its two blocks, version 9 (long) 11 in each of five; neighbours in the drawing lie in different blocks.
  const spots = every(0, 19, 1).map((k) => [13 + (k * 5) % 12, 13 + (k * 7) % 10]);
  rate(t, "6 x 6 modules damaged", urls.flatMap((name) => spots.map(([x, y], k) => [name, { code: damaged(codes[name], 6, x, y), roll: k * 17, module: 4.5 }])), 1);
  rate(t, "10 x 10 modules damaged in the longer one", spots.map(([x, y], k) => ["long", { code: damaged(codes.long, 10, x + 2, y + 2), roll: k * 17, module: 4.5 }]), 1);
  for (const name of urls) {
    const got = decodeQR(photo(damaged(codes[name], codes[name].side - 30, 15, 15)));
    assert.ok(got === null, `${name}: ${got}`);
  }
});

test("single modules turned over at random", (t) => {
  // Chance may give one block more than its share, which nobody could repair.
  const flipped = (code, share, seed) => {
    const next = chance(seed), at = code.at.map((b, i) => (Math.min(i % code.side, i / code.side | 0) > 12 && next() < share ? 1 - b : b));
    return { side: code.side, at };
  };
  rate(t, "1 % of modules wrong", urls.flatMap((name) => every(1, 20, 1).map((seed) => [name, { code: flipped(codes[name], 0.01, seed), roll: seed * 31, module: 4.5 }])), 0.95);
});

/** plain is a matrix with its quiet zone from rows of bits in hex. */
function plain({ Version, Rows }) {
  const size = 17 + 4 * Version, side = size + 8, bits = Buffer.from(Rows, "hex"), at = new Uint8Array(side * side);
  for (let i = 0; i < size * size; i++) at[(Math.floor(i / size) + 4) * side + (i % size) + 4] = bits[i >> 3] >> (7 - (i & 7)) & 1;
  return { side, at };
}

test("every version from 1 to 20, every level, every mask", (t) => {
  const grids = JSON.parse(readFileSync(new URL("grids.json", dir)));
  let right = 0;
  for (const g of grids) right += decodeQR(photo(plain(g), { module: 4, roll: g.Mask * 11, width: 600, height: 600 })) === g.Text ? 1 : 0;
  t.diagnostic(`versions and levels: ${right} of ${grids.length}`);
  assert.equal(right, grids.length);
});

/** busy is the time this process has worked, in ms: what else the machine does meanwhile is not the reader's. */
const busy = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };

test("a frame takes less than 60 ms, with a code or without", (t) => {
  const next = chance(3), took = (picture) => Math.min(...every(0, 14, 1).map(() => { const from = busy(); decodeQR(picture); return busy() - from; }));
  const noise = photo(codes.one, { module: 0.1, noise: 60 }), text = photo(codes.one, { module: 0.1 });
  for (let k = 0; k < 900; k++) text.data.fill(30, 4 * Math.floor(next() * 300000), 0), stripe(text, next);
  for (const [what, picture] of Object.entries({ code: photo(codes.long, { roll: 20, yaw: 15, module: 4.5, noise: 5 }), wall: photo(codes.one, { module: 0.1 }), noise, text })) {
    const ms = took(picture);
    t.diagnostic(`640 x 480, ${what}: ${ms.toFixed(1)} ms`);
    // Pure noise is not what a camera sees; it is here for its worst case.
    assert.ok(ms < (what === "noise" ? 150 : 60), `${what}: ${ms} ms`);
  }
});

/** stripe draws a short dark bar, as print has. */
function stripe({ data, width, height }, next) {
  const x0 = Math.floor(next() * (width - 30)), y0 = Math.floor(next() * (height - 14)), w = 2 + Math.floor(next() * 26), h = 2 + Math.floor(next() * 10);
  for (let y = y0; y < y0 + h; y++) for (let x = x0; x < x0 + w; x++) data.fill(30, 4 * (y * width + x), 4 * (y * width + x) + 3);
}

test("a hundred random pictures give nothing, soon", (t) => {
  const next = chance(11);
  let longest = 0;
  for (let k = 0; k < 100; k++) {
    const width = 1 + Math.floor(next() * 400), height = 1 + Math.floor(next() * 400), cell = 1 + Math.floor(next() * 9), data = new Uint8ClampedArray(width * height * 4);
    const seed = Math.floor(next() * 1e9) | 1;
    for (let i = 0; i < width * height; i++) {
      const cellAt = Math.floor(i % width / cell) * 7919 + Math.floor(Math.floor(i / width) / cell) * 104729;
      data.fill(k % 3 ? (Math.imul(cellAt ^ seed, 0x9e3779b1) >>> 13) & 1 && 255 : next() * 256, 4 * i, 4 * i + 3);
    }
    const from = busy();
    assert.equal(decodeQR({ data, width, height }), null);
    longest = Math.max(longest, busy() - from);
  }
  t.diagnostic(`longest of 100: ${longest.toFixed(0)} ms`);
  assert.ok(longest < 400);
});

test("finder patterns without end do not keep the reader", (t) => {
  const code = { side: 72, at: new Uint8Array(72 * 72) };
  for (let y = 0; y < 72; y++) for (let x = 0; x < 72; x++) { const r = Math.max(Math.abs(x % 9 - 4), Math.abs(y % 9 - 4)); code.at[y * 72 + x] = r === 3 || r < 2 ? 1 : 0; }
  for (const module of [3, 5, 6.5]) {
    const picture = photo(code, { module, roll: module }), from = busy();
    assert.equal(decodeQR(picture), null);
    const ms = busy() - from;
    t.diagnostic(`64 finders of ${module} pixels: ${ms.toFixed(0)} ms`);
    assert.ok(ms < 400);
  }
});

test("what is no picture gives null and no error", () => {
  const { data } = photo(codes.start, { width: 200, height: 200, module: 4 });
  for (const [width, height] of [[0, 0], [1, 1], [20, 2000], [21, 21], [200, 201], [-200, -200], [200.5, 200], [NaN, 200], [Infinity, 1], [1e9, 1e9], ["200", "200"], [2000, 21], [40000, 1]]) {
    assert.equal(decodeQR({ data, width, height }), null, `${width} x ${height}`);
  }
  for (const odd of [undefined, null, 0, "", {}, [], { width: 200, height: 200 }, { data: null, width: 200, height: 200 }, { data: "x".repeat(160000), width: 200, height: 200 }, { data: new Uint8Array(0), width: 200, height: 200 },
    { data: new DataView(new ArrayBuffer(160000)), width: 200, height: 200 }, { data: new Float64Array(160000).fill(NaN), width: 200, height: 200 }]) assert.equal(decodeQR(odd), null);
  assert.equal(decodeQR({ data: data.subarray(0, data.length - 4), width: 200, height: 200 }), null);
});

test("a code cut off by the picture's edge gives nothing", () => {
  for (const name of urls) for (const dx of [110, -110]) assert.equal(decodeQR(photo(codes[name], { width: 240, height: 300, module: 4, dx })), null);
});

test("a picture of twelve million pixels is read", (t) => {
  const from = performance.now();
  const picture = photo(codes.start, { width: 1200, height: 900, module: 12, roll: 12 }), wide = { width: 3600, height: 2700, data: new Uint8ClampedArray(3600 * 2700 * 4) };
  for (let y = 0; y < 2700; y++) for (let x = 0; x < 3600; x++) wide.data.fill(picture.data[4 * (Math.floor(y / 3) * 1200 + Math.floor(x / 3))], 4 * (y * 3600 + x), 4 * (y * 3600 + x) + 4);
  t.diagnostic(`drawn in ${(performance.now() - from).toFixed(0)} ms`);
  assert.equal(decodeQR(wide), texts.start);
});
