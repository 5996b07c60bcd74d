// Reads a QR code (ISO/IEC 18004, versions 1 to 20) in a picture, for browsers that
// cannot. Pictures are strangers' work: all is bounded.

const { abs, floor, hypot, max, min, round } = Math;

// Table 9 in base 36, by level in the order of the format's bits (M, L, H, Q) and version: check words of a block; blocks.
const checksOf = ["agqiogimmqummoossqqq", "7afkqikouikoqumosuss", "hsmgmsqqososmooussqs", "dmiqioimkosqokuossqu"];
const blocksOf = ["11122444555899aabdeg", "11111222244444666678", "1124445688bbggigjlpp", "11224466888acgchgilk"];
const detectOnly = ["2", "321", "1", "1"]; // check words that correct nothing
const largest = 1 << 24; // pixels
const longest = 1280; // pixels of a side; beyond, some are skipped
const effort = 2e6; // samples of patterns in one picture
const slack = 4; // grey levels that are noise on a flat surface
const looks = [[0, 6, 0], [1, 6, 1], [1, 20, 0], [1, 40, 0]]; // at half size, side / radius of the neighbourhood, radius of the blur

/**
 * decodeQR gives the text of a code in a picture ({ data: RGBA bytes, width, height }),
 * or null when none is surely read. It never throws.
 */
export function decodeQR(picture) {
  const full = grey(picture), left = { n: effort };
  if (!full) return null;
  const half = halved(full);
  for (const [small, share, blur] of looks) {
    const field = contrast(small ? half : full, share, blur, left);
    for (let turn = 0; turn < 2; turn++) {
      // The second turn is for light codes on dark.
      if (turn) for (let i = 0; i < field.at.length; i++) field.at[i] *= -1;
      const text = search(field);
      if (text || left.n < 0) return text;
    }
  }
  return null;
}

/** grey sums the brightness above and left of each pixel; null for what is no picture. */
function grey(picture) {
  const { data, width, height } = picture ?? {}, n = Math.ceil(max(width, height) / longest), w = floor(width / n), h = floor(height / n);
  if (!Number.isInteger(width) || !Number.isInteger(height) || !(min(width, height, w, h) > 20) || width * height > largest) return null;
  if (!ArrayBuffer.isView(data) || !(data.length >= width * height * 4)) return null;
  const sum = new Int32Array((w + 1) * (h + 1));
  for (let y = 0, o = w + 2; y < h; y++, o++) {
    for (let x = 0, row = 0, p = y * n * width * 4; x < w; x++, o++, p += 4 * n) {
      row += (data[p] + 2 * data[p + 1] + data[p + 2]) >> 2;
      sum[o] = sum[o - w - 1] + row;
    }
  }
  return { sum, w, h };
}

/** halved makes one pixel of four. */
function halved({ sum, w, h }) {
  const w2 = w >> 1, h2 = h >> 1, half = new Int32Array((w2 + 1) * (h2 + 1));
  for (let y = 0, o = 0; y <= h2; y++) for (let x = 0; x <= w2; x++) half[o++] = sum[2 * y * (w + 1) + 2 * x] >> 2;
  return { sum: half, w: w2, h: h2 };
}

/** contrast tells how much darker each pixel is than its neighbourhood: a shadow changes both. */
function contrast({ sum, w, h }, share, blur, left) {
  const at = new Int16Array(w * h), wide = max(6, round(min(w, h) / share)), around = new Float32Array(w), here = new Float32Array(w);
  const means = (out, y, k) => {
    const y0 = max(0, y - k), y1 = min(h, y + k + 1), a = y0 * (w + 1), b = y1 * (w + 1);
    for (let x = 0; x < w; x++) {
      const x0 = x > k ? x - k : 0, x1 = x + k < w ? x + k + 1 : w;
      out[x] = (sum[b + x1] - sum[b + x0] - sum[a + x1] + sum[a + x0]) / ((x1 - x0) * (y1 - y0));
    }
  };
  for (let y = 0, o = 0; y < h; y++) {
    if (!(y & 3)) means(around, y, wide);
    means(here, y, blur);
    for (let x = 0; x < w; x++) at[o++] = around[x] - here[x];
  }
  return { at, w, h, left };
}

/** search tries the likeliest threes of finder patterns. */
function search(field) {
  const threes = [], marks = finders(field);
  marks.forEach((a, i) => marks.slice(0, i).forEach((b, j) => marks.slice(0, j).forEach((c) => threes.push(corner(a, b, c)))));
  for (const three of threes.filter(Boolean).sort((a, b) => a.cost - b.cost).slice(0, 8)) {
    const text = place(field, three);
    if (text || field.left.n < 0) return text;
  }
  return null;
}

/** finders gives the places that look like 1:1:3:1:1 both ways, the most seen first. */
function finders({ at, w, h }) {
  const most = 100;
  let found = [], tries = 1500;
  /** cross measures the pattern through a point: how far its middle is, and its size. */
  const cross = (x, y, dx, dy, wide) => {
    const runs = [0, 0, -1, 0, 0];
    let off = 0, size = -1;
    for (const s of [-1, 1]) {
      for (let px = x, py = y, part = 0; part < 3;) {
        if (px < 0 || py < 0 || px >= w || py >= h || (at[py * w + px] > slack) !== (part !== 1)) { part++; continue; }
        if (++runs[2 + s * part] > wide) return null;
        size++;
        off += s / 2;
        px += s * dx;
        py += s * dy;
      }
    }
    return size <= 2 * wide && wide <= 2 * size && like(...runs) ? { off, size } : null;
  };
  const mark = (x, row, wide) => {
    const down = cross(x, row, 0, 1, wide), y = down && row + down.off, across = down && cross(x, round(y), 1, 0, wide);
    if (!across) return;
    x += across.off;
    const size = (down.size + across.size) / 14, near = (f) => hypot(f.x - x, f.y - y) < 2 * f.size && size < 2 * f.size && f.size < 2 * size;
    let f = found.find(near);
    // Noise must not use up the places: what was seen once and is past will not be seen again.
    if (!f && found.length === most) found = found.filter((g) => g.n > 1 || g.y + 3 * g.size > row);
    if (!f && found.length < most) found.push(f = { x, y, size, n: 0 });
    if (!f) return;
    f.n++;
    f.x += (x - f.x) / f.n;
    f.y += (y - f.y) / f.n;
    f.size += (size - f.size) / f.n;
  };
  for (let y = 1; y < h; y += 2) {
    let a = 0, b = 0, c = 0, d = 0, run = 0, dark = false;
    for (let x = 0, o = y * w; x <= w; x++, o++) {
      if (x < w && at[o] > slack === dark) { run++; continue; }
      if (dark && a && like(a, b, c, d, run) && tries-- > 0) mark(floor(x - run - d - c / 2), y, a + b + c + d + run);
      a = b; b = c; c = d; d = run;
      run = 1;
      dark = !dark;
    }
  }
  return found.sort((a, b) => b.n - a.n).slice(0, 12);
}

function like(a, b, c, d, e) {
  const m = (a + b + c + d + e) / 7, most = m * 0.6 + 0.5;
  return m >= 1 && max(abs(a - m), abs(b - m), abs(d - m), abs(e - m), abs(c - 3 * m) / 2) < most;
}

/** corner orders three marks (corner, right, below), or gives null when they cannot belong together. */
function corner(p, q, r) {
  const far = (s, t) => hypot(s.x - t.x, s.y - t.y), ratio = (a, b) => abs(Math.log(a / b));
  const pq = far(p, q), qr = far(q, r), pr = far(p, r);
  if (pq > qr && pq > pr) [p, r] = [r, p];
  else if (pr > qr) [p, q] = [q, p];
  if ((q.x - p.x) * (r.y - p.y) < (q.y - p.y) * (r.x - p.x)) [q, r] = [r, q];
  const u = far(p, q), v = far(p, r), lean = abs((q.x - p.x) * (r.x - p.x) + (q.y - p.y) * (r.y - p.y)) / (u * v);
  const odd = ratio(u, v), uneven = max(ratio(p.size, q.size), ratio(p.size, r.size), ratio(q.size, r.size));
  if (!(lean < 0.6 && odd < 0.7 && uneven < 0.7)) return null;
  // A slanting cut through a square is longer than the square.
  const modules = (f, l) => 2 * l * l / ((f.size + p.size) * max(abs(f.x - p.x), abs(f.y - p.y)));
  return { p, q, r, cost: lean + odd + uneven, guess: (modules(q, u) + modules(r, v)) / 8 - 2.5 };
}

/** place finds version and perspective by how well the fixed patterns fit, then reads. */
function place(field, { p, q, r, guess }) {
  const fits = [], reach = guess > 6 ? 2 : 1;
  for (let v = max(1, round(guess) - reach); v <= min(20, round(guess) + reach); v++) {
    const fit = { v, score: 0.3, quad: null }, steps = max(2, round(1 + v * 0.4)), step = 2.5 / (10 + 4 * v);
    const quad = (i, j) => [p.x, p.y, q.x, q.y, p.x + i * (q.x - p.x) + j * (r.x - p.x), p.y + i * (q.y - p.y) + j * (r.y - p.y), r.x, r.y];
    if (fitness(field, v, quad(1, 1), 3 * 192) < 0.25) continue;
    // The fourth corner is where perspective shows: up to a quarter of the code away.
    for (let j = -steps; j <= steps; j++) for (let i = -steps; i <= steps; i++) better(field, fit, quad(1 + i * step, 1 + j * step));
    if (fit.quad) fits.push(fit);
  }
  for (const fit of fits.sort((a, b) => b.score - a.score).slice(0, 2)) {
    settle(field, fit, hypot(q.x - p.x, q.y - p.y) / (10 + 4 * fit.v));
    // A blurred module takes light from its neighbours: the second reading gives it back.
    const text = fit.score > 0.6 && (readGrid(sampled(field, fit, 0), fit.v) || readGrid(sampled(field, fit, 0.2), fit.v));
    if (text) return text;
  }
  return null;
}

/** better takes the four corners if the patterns fit better so. */
function better(field, fit, quad) {
  const score = field.left.n < 0 ? 0 : fitness(field, fit.v, quad);
  if (score <= fit.score) return false;
  fit.score = score;
  fit.quad = quad;
  return true;
}

/** settle moves the corners, the fourth first and furthest, while that helps. */
function settle(field, fit, module) {
  const from = fit.quad, moved = (...moves) => {
    const quad = from.slice();
    for (const [k, by] of moves) quad[k] += by;
    return quad;
  };
  for (let i = 0; i < 49; i++) better(field, fit, moved([4, (i % 7 - 3) * module * 0.6], [5, ((i / 7 | 0) - 3) * module * 0.6]));
  for (let step = module / 2, turns = 0; step > module / 20 && turns < 24; turns++) {
    let moves = 0;
    for (let k = 0; k < 16; k++) {
      const quad = fit.quad.slice();
      quad[k >> 1] += k & 1 ? step : -step;
      moves += better(field, fit, quad);
    }
    if (!moves) step /= 2;
  }
}

/** projection maps the square between the finders' middles to four points. */
function projection([x0, y0, x1, y1, x2, y2, x3, y3]) {
  const ax = x1 - x2, ay = y1 - y2, bx = x3 - x2, by = y3 - y2, sx = x0 - ax - x3, sy = y0 - ay - y3, det = ax * by - ay * bx;
  const g = (sx * by - sy * bx) / det, h = (ax * sy - ay * sx) / det;
  return [x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h];
}

/** look gives the contrast at a point of the square, between pixels; 0 outside the picture. */
function look({ at, w, h }, m, u, v) {
  const z = m[6] * u + m[7] * v + 1, x = (m[0] * u + m[1] * v + m[2]) / z, y = (m[3] * u + m[4] * v + m[5]) / z;
  if (!(x >= 0 && y >= 0 && x < w - 1 && y < h - 1)) return 0;
  const px = x | 0, py = y | 0, fx = x - px, o = py * w + px, top = at[o] + (at[o + 1] - at[o]) * fx;
  return top + (at[o + w] + (at[o + w + 1] - at[o + w]) * fx - top) * (y - py);
}

/** fitness compares the fixed patterns with the picture: 1 is perfect, 0 is chance. */
function fitness(field, v, quad, end) {
  const { points } = layout(v), m = projection(quad);
  end ??= points.length;
  let good = 0, all = 1;
  for (let i = 0; i < end; i += 3) {
    const s = max(-64, min(64, look(field, m, points[i], points[i + 1]))) * points[i + 2];
    good += s;
    all += abs(s);
  }
  field.left.n -= end / 3;
  return good / all;
}

/** sampled reads every module at five points of its middle. */
function sampled(field, { v, quad }, blur) {
  const { d } = layout(v), m = projection(quad), e = 0.22 / (d - 7), dark = new Float32Array(d * d);
  for (let y = 0, o = 0; y < d; y++) for (let x = 0; x < d; x++) {
    const a = (x - 3) / (d - 7), b = (y - 3) / (d - 7);
    dark[o++] = look(field, m, a, b) + look(field, m, a - e, b) + look(field, m, a + e, b) + look(field, m, a, b - e) + look(field, m, a, b + e);
  }
  return dark.map((s, i) => s > blur * ((dark[i - 1] ?? 0) + (dark[i + 1] ?? 0) + (dark[i - d] ?? 0) + (dark[i + d] ?? 0)));
}

const layouts = [];
/** layout tells which modules of a version carry no data, and gives points [u, v, dark or light] of the fixed patterns. */
function layout(v) {
  if (layouts[v]) return layouts[v];
  const d = 17 + 4 * v, taken = new Uint8Array(d * d), points = [];
  const put = (x, y, value) => {
    if (x < 0 || y < 0 || x >= d || y >= d) return;
    taken[y * d + x] = 1;
    if (value) points.push((x - 3) / (d - 7), (y - 3) / (d - 7), value);
  };
  const rings = (cx, cy, pattern, weight) => {
    const r = pattern.length - 1;
    for (let y = -r; y <= r; y++) for (let x = -r; x <= r; x++) put(cx + x, cy + y, +pattern[max(abs(x), abs(y))] ? weight : -weight);
  };
  for (const [x, y] of [[3, 3], [d - 4, 3], [3, d - 4]]) rings(x, y, "11010", 1);
  for (let i = 8; i < d - 8; i++) { put(i, 6, i % 2 ? -1 : 1); put(6, i, i % 2 ? -1 : 1); }
  const n = floor(v / 7) + 1, step = 2 * Math.ceil((d - 13) / (2 * n)), centres = [6];
  for (let i = n - 1; v > 1 && i >= 0; i--) centres.push(d - 7 - i * step);
  for (const x of centres) for (const y of centres) if (x + y > 12 && (x > 6 && y > 6 || x + y < d - 1)) rings(x, y, "101", 2);
  for (let i = 0; i < 9; i++) { put(8, i); put(i, 8); put(d - 1 - (i & 7), 8); put(8, d - 1 - (i & 7)); }
  for (let i = 0; v > 6 && i < 18; i++) { put(d - 11 + i % 3, i / 3 | 0); put(i / 3 | 0, d - 11 + i % 3); }
  return layouts[v] = { d, taken, points: Float64Array.from(points) };
}

const masks = [(x, y) => (x + y) % 2, (x, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3, (x, y) => ((x / 3 | 0) + (y >> 1)) % 2,
  (x, y) => (x * y) % 6, (x, y) => (x * y % 2 + x * y % 3) % 2, (x, y) => ((x + y) % 2 + x * y % 3) % 2];

/** nearest finds the value whose BCH code differs from the bits in at most 3, or -1. */
function nearest(bits, end, checks, poly, flip) {
  for (let value = 0; value < end; value++) {
    let code = value << checks, n = 0;
    for (let i = 17; i >= checks; i--) if (code >> i & 1) code ^= poly << (i - checks);
    for (code ^= value << checks ^ flip ^ bits; code; code &= code - 1) n++;
    if (n < 4) return value;
  }
  return -1;
}

/** readGrid reads a matrix of modules: either copy of its version and format, then the words. */
function readGrid(grid, v) {
  const { d, taken } = layout(v), number = (n, place) => {
    let bits = 0;
    for (let i = n - 1; i >= 0; i--) { const [x, y] = place(i); bits = bits << 1 | grid[y * d + x]; }
    return bits;
  };
  const version = (place) => nearest(number(18, place), 41, 12, 0x1f25, 0), format = (place) => nearest(number(15, place), 32, 10, 0x537, 0x5412);
  if (v > 6 && version((i) => [d - 11 + i % 3, i / 3 | 0]) !== v && version((i) => [i / 3 | 0, d - 11 + i % 3]) !== v) return null;
  for (const f of new Set([format((i) => (i < 8 ? [8, i < 6 ? i : i + 1] : [i > 8 ? 14 - i : 7, 8])), format((i) => (i < 8 ? [d - 1 - i, 8] : [8, d - 15 + i]))])) {
    if (f < 0) continue;
    const words = [];
    let word = 1;
    for (let x = d - 1, up = true; x > 0; x -= x === 8 ? 3 : 2, up = !up) {
      for (let i = 0; i < 2 * d; i++) {
        const mx = x - (i & 1), my = up ? d - 1 - (i >> 1) : i >> 1, at = my * d + mx;
        if (taken[at]) continue;
        word = word << 1 | grid[at] ^ !masks[f & 7](mx, my);
        if (word > 255) { words.push(word & 255); word = 1; }
      }
    }
    const data = corrected(words, v, f >> 3), text = data && textOf(data, v);
    if (text) return text;
  }
  return null;
}

const exp = [], log = [];
for (let i = 0, x = 1; i < 255; i++, x = x << 1 ^ (x & 128 ? 0x11d : 0)) { exp[i] = exp[i + 255] = x; log[x] = i; }
const times = (a, b) => (a && b ? exp[log[a] + log[b]] : 0), over = (a, b) => times(a, exp[255 - log[b]]);

/** corrected deals the words out to their blocks and gives the data, or null when a block is beyond repair. */
function corrected(words, v, level) {
  const digit = (table) => parseInt(table[level][v - 1] ?? 0, 36), checks = digit(checksOf), count = digit(blocksOf);
  const blocks = Array.from({ length: count }, () => []), short = floor(words.length / count) - checks, long = count - words.length % count;
  let at = 0;
  for (let i = 0; i <= short + checks; i++) for (let b = i === short ? long : 0; b < count; b++) blocks[b].push(words[at++]);
  return blocks.every((block) => repair(block, checks, (checks - digit(detectOnly)) >> 1)) ? blocks.flatMap((block) => block.slice(0, -checks)) : null;
}

/** repair corrects a Reed-Solomon block in place (Berlekamp-Massey, Forney); false when more than most words are wrong. */
function repair(block, checks, most) {
  const valueAt = (poly, x) => poly.reduceRight((sum, c) => times(sum, x) ^ c, 0), last = block.length - 1;
  const syndromes = () => exp.slice(0, checks).map((x) => block.reduce((sum, c) => times(sum, x) ^ c, 0));
  const s = syndromes(), gap = (c, n) => c.reduce((sum, x, i) => sum ^ times(x, s[n - i]), 0);
  let c = [1], old = [1], errors = 0, shift = 1, scale = 1;
  for (let n = 0; n < checks; n++, shift++) {
    const g = gap(c, n), was = c;
    if (!g) continue;
    c = [...Array(max(c.length, old.length + shift))].map((_, i) => was[i] ^ times(over(g, scale), old[i - shift]));
    if (2 * errors <= n) { errors = n + 1 - errors; old = was; scale = g; shift = 0; }
  }
  if (errors > most) return false;
  const value = s.map((_, n) => gap(c, n)), slope = c.slice(1).map((x, i) => (i & 1 ? 0 : x));
  for (let i = 0; i <= last; i++) {
    const x = exp[255 - (last - i)], under = valueAt(slope, x);
    if (!valueAt(c, x) && under) block[i] ^= over(over(valueAt(value, x), x), under);
  }
  return !syndromes().some(Boolean);
}

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/** textOf reads the segments; null for Kanji, FNC1, parts of a series, and bytes that are not UTF-8. */
function textOf(data, v) {
  let at = 0, bad = false;
  const bytes = [], wide = v > 9;
  const take = (n) => {
    let value = 0;
    bad ||= at + n > data.length * 8;
    for (; n > 0 && !bad; n--, at++) value = value << 1 | data[at >> 3] >> (7 - (at & 7)) & 1;
    return value;
  };
  const segment = (count, size, bits, base) => {
    for (let n = take(count); n > 0 && !bad; n -= size) {
      const k = min(n, size), value = take(bits[k]);
      bad ||= value >= base ** k;
      for (let i = k - 1; i >= 0; i--) bytes.push(base > 45 ? value : letters.charCodeAt(floor(value / base ** i) % base));
    }
  };
  while (!bad && data.length * 8 - at >= 4) {
    const mode = take(4);
    if (!mode) break;
    if (mode === 1) segment(wide ? 12 : 10, 3, [0, 4, 7, 10], 10);
    else if (mode === 2) segment(wide ? 11 : 9, 2, [0, 6, 11], 45);
    else if (mode === 4) segment(wide ? 16 : 8, 1, [0, 8], 256);
    else if (mode !== 7 || ![3, 26, 27].includes(take(8))) return null;
  }
  try { return bad ? null : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes)) || null; } catch { return null; }
}
