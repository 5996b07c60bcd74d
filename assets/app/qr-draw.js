// Draws a QR code (ISO/IEC 18004): byte mode, error level M, versions 1 to 10.
// A phone shows one to another phone; nothing leaves either of them for it.

// Per version: check bytes of a block, then [blocks, data bytes] of each group.
const blocks = [null, [10, [1, 16]], [16, [1, 28]], [26, [1, 44]], [18, [2, 32]], [24, [2, 43]], [16, [4, 27]], [18, [4, 31]],
  [22, [2, 38], [2, 39]], [22, [3, 36], [2, 37]], [26, [4, 43], [1, 44]]];
const centres = [null, [], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]];

const exp = new Uint8Array(510), log = new Uint8Array(256);
for (let i = 0, x = 1; i < 255; i++) {
  exp[i] = exp[i + 255] = x;
  log[x] = i;
  x = (x << 1) ^ (x & 128 ? 0x11d : 0);
}
const times = (a, b) => (a && b ? exp[log[a] + log[b]] : 0);

/** checks gives the Reed-Solomon check bytes of a block. */
function checks(data, n) {
  let g = [1];
  for (let i = 0; i < n; i++) {
    const next = new Array(g.length + 1).fill(0);
    g.forEach((c, j) => { next[j] ^= c; next[j + 1] ^= times(c, exp[i]); });
    g = next;
  }
  const rest = [...data, ...new Array(n).fill(0)];
  for (let i = 0; i < data.length; i++) {
    const lead = rest[i];
    if (lead) g.forEach((c, j) => { rest[i + j] ^= times(c, lead); });
  }
  return rest.slice(data.length);
}

/** words lays the text out: data of all blocks in turn, then their checks. */
function words(bytes, version) {
  const [n, ...groups] = blocks[version];
  const sizes = groups.flatMap(([count, size]) => new Array(count).fill(size));
  const bits = [];
  const put = (value, length) => { for (let i = length - 1; i >= 0; i--) bits.push((value >> i) & 1); };
  put(4, 4);
  put(bytes.length, version < 10 ? 8 : 16);
  bytes.forEach((b) => put(b, 8));
  const room = sizes.reduce((a, b) => a + b) * 8;
  put(0, Math.min(4, room - bits.length));
  while (bits.length % 8) bits.push(0);
  for (let pad = 0xec; bits.length < room; pad ^= 0xec ^ 0x11) put(pad, 8);
  const data = [];
  for (let i = 0; i < bits.length; i += 8) data.push(parseInt(bits.slice(i, i + 8).join(""), 2));
  let at = 0;
  const parts = sizes.map((size) => data.slice(at, (at += size)));
  const tails = parts.map((p) => checks(p, n));
  const out = [];
  for (let i = 0; i < Math.max(...sizes); i++) parts.forEach((p) => { if (i < p.length) out.push(p[i]); });
  for (let i = 0; i < n; i++) tails.forEach((p) => out.push(p[i]));
  return out;
}

/** bch appends check bits of a generator. */
function bch(value, generator, degree) {
  let v = value << degree;
  for (let i = 31 - Math.clz32(v); i >= degree; i--) if (v & (1 << i)) v ^= generator << (i - degree);
  return (value << degree) | v;
}

const masks = [(x, y) => (x + y) % 2, (x, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3, (x, y) => ((y >> 1) + Math.floor(x / 3)) % 2,
  (x, y) => ((x * y) % 2) + ((x * y) % 3), (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2];

/** frame draws what every code of a version has; null is room for data. */
function frame(version) {
  const size = version * 4 + 17;
  const m = Array.from({ length: size }, () => new Array(size).fill(null));
  const ring = (cx, cy, r) => {
    for (let y = -r; y <= r; y++) for (let x = -r; x <= r; x++) {
      const d = Math.max(Math.abs(x), Math.abs(y));
      if (m[cy + y]?.[cx + x] !== undefined) m[cy + y][cx + x] = r === 4 ? d !== 2 && d !== 4 : d !== 1;
    }
  };
  [[3, 3], [size - 4, 3], [3, size - 4]].forEach(([x, y]) => ring(x, y, 4));
  for (const y of centres[version]) for (const x of centres[version]) if (m[y][x] === null) ring(x, y, 2);
  for (let i = 8; i < size - 8; i++) m[6][i] = m[i][6] = i % 2 === 0;
  for (let i = 0; i < 9; i++) { m[8][i] ??= false; m[i][8] ??= false; }
  for (let i = 0; i < 8; i++) { m[8][size - 1 - i] ??= false; m[size - 1 - i][8] ??= false; }
  m[size - 8][8] = true;
  if (version >= 7) {
    const info = bch(version, 0x1f25, 12);
    for (let i = 0; i < 18; i++) {
      const bit = ((info >> i) & 1) === 1;
      m[Math.floor(i / 3)][size - 11 + (i % 3)] = bit;
      m[size - 11 + (i % 3)][Math.floor(i / 3)] = bit;
    }
  }
  return m;
}

/** fill puts the words in, under a mask, and names the mask. */
function fill(free, data, mask) {
  const size = free.length;
  const m = free.map((row) => [...row]);
  let at = 0;
  for (let right = size - 1, up = true; right > 0; right -= 2, up = !up) {
    if (right === 6) right--;
    for (let i = 0; i < size; i++) {
      const y = up ? size - 1 - i : i;
      for (const x of [right, right - 1]) {
        if (free[y][x] !== null) continue;
        const bit = at < data.length * 8 ? (data[at >> 3] >> (7 - (at & 7))) & 1 : 0;
        at++;
        m[y][x] = (bit === 1) !== (masks[mask](x, y) === 0);
      }
    }
  }
  const info = bch(mask, 0x537, 10) ^ 0x5412; // level M is 00
  const bit = (i) => ((info >> i) & 1) === 1;
  for (let i = 0; i < 6; i++) { m[i][8] = bit(i); m[8][5 - i] = bit(9 + i); }
  m[7][8] = bit(6); m[8][8] = bit(7); m[8][7] = bit(8);
  for (let i = 0; i < 8; i++) m[8][size - 1 - i] = bit(i);
  for (let i = 8; i < 15; i++) m[size - 15 + i][8] = bit(i);
  m[size - 8][8] = true;
  return m;
}

/** cost counts what makes a code hard to read: long runs, squares, one colour. */
function cost(m) {
  let sum = 0, dark = 0;
  const size = m.length;
  for (let a = 0; a < size; a++) for (const get of [(i) => m[a][i], (i) => m[i][a]]) {
    for (let i = 0, run = 0; i < size; i++) {
      run = i && get(i) === get(i - 1) ? run + 1 : 1;
      if (run >= 5) sum += run === 5 ? 3 : 1;
    }
  }
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) {
    dark += m[y][x] ? 1 : 0;
    if (x && y && m[y][x] === m[y - 1][x] && m[y][x] === m[y][x - 1] && m[y][x] === m[y - 1][x - 1]) sum += 3;
  }
  return sum + Math.floor(Math.abs((dark * 20) / (size * size) - 10)) * 10;
}

/** matrix gives the code of a text as rows of booleans. */
export function matrix(text) {
  const bytes = Array.from(new TextEncoder().encode(text));
  const version = blocks.findIndex((b, v) => v && bytes.length * 8 + 4 + (v < 10 ? 8 : 16) <= b.slice(1).reduce((n, [c, s]) => n + c * s, 0) * 8);
  if (version < 0) throw new Error("too long for a QR code");
  const free = frame(version), data = words(bytes, version);
  return masks.map((_, i) => fill(free, data, i)).reduce((a, b) => (cost(b) < cost(a) ? b : a));
}

/** draw gives the code as a picture, dark on light whatever the theme. */
export function draw(text, label) {
  const m = matrix(text), side = m.length + 8;
  const svg = (name, attributes) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    return e;
  };
  let d = "";
  m.forEach((row, y) => row.forEach((on, x) => { if (on) d += `M${x + 4} ${y + 4}h1v1h-1z`; }));
  const e = svg("svg", { class: "qr", role: "img", "aria-label": label, viewBox: `0 0 ${side} ${side}`, "shape-rendering": "crispEdges" });
  e.append(svg("rect", { width: side, height: side, fill: "#fff" }), svg("path", { d, fill: "#000" }));
  return e;
}
