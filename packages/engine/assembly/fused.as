// Elementwise functions, reductions, normalisations and the optimizer, four numbers at a time.

/** sum + x·y, rounded twice: Node 20 has no fused multiply-add (relaxed SIMD), and results are to be alike everywhere. */
// @ts-ignore: decorator
@inline
export function dot(x: v128, y: v128, sum: v128): v128 {
  return f32x4.add(sum, f32x4.mul(x, y));
}

// @ts-ignore: decorator
@inline
function all(x: f32): v128 {
  return f32x4.splat(x);
}

/** eˣ to about 2 units in the last place: x = n·ln 2 + r, |r| ≤ ln 2 / 2, a polynomial of degree 6 in r, times 2ⁿ. */
// @ts-ignore: decorator
@inline
function exp4(v: v128): v128 {
  const x = f32x4.max(f32x4.min(v, all(88.72)), all(-87.33));
  const n = f32x4.nearest(f32x4.mul(x, all(1.44269504088896341)));
  let r = f32x4.sub(x, f32x4.mul(n, all(0.693359375)));
  r = f32x4.add(r, f32x4.mul(n, all(2.12194440e-4)));
  let p = all(1.0 / 720.0);
  p = dot(p, r, all(1.0 / 120.0));
  p = dot(p, r, all(1.0 / 24.0));
  p = dot(p, r, all(1.0 / 6.0));
  p = dot(p, r, all(0.5));
  p = dot(p, r, all(1.0));
  p = dot(p, r, all(1.0));
  // 2ⁿ in two steps, since n may be 128
  const whole = i32x4.trunc_sat_f32x4_s(n);
  const half = i32x4.shr_s(whole, 1);
  const a = i32x4.shl(i32x4.add(half, i32x4.splat(127)), 23);
  const b = i32x4.shl(i32x4.add(i32x4.sub(whole, half), i32x4.splat(127)), 23);
  const y = f32x4.mul(f32x4.mul(p, a), b);
  // beyond the range: 0 and ∞; NaN stays NaN
  const low = v128.bitselect(all(0), y, f32x4.lt(v, all(-87.33)));
  const high = v128.bitselect(all(Infinity), low, f32x4.gt(v, all(88.72)));
  return v128.bitselect(v, high, f32x4.ne(v, v));
}

// @ts-ignore: decorator
@inline
function sigmoid4(x: v128): v128 {
  return f32x4.div(all(1), f32x4.add(all(1), exp4(f32x4.neg(x))));
}

/** erf by Abramowitz and Stegun 7.1.26 (absolute error below 1.5e-7); also e^(−x²), which its derivative wants. */
// @ts-ignore: decorator
@inline
function erf4(x: v128, bell: v128): v128 {
  const t = f32x4.div(all(1), dot(f32x4.abs(x), all(0.3275911), all(1)));
  let p = all(1.061405429);
  p = dot(p, t, all(-1.453152027));
  p = dot(p, t, all(1.421413741));
  p = dot(p, t, all(-0.284496736));
  p = dot(p, t, all(0.254829592));
  const y = f32x4.sub(all(1), f32x4.mul(f32x4.mul(p, t), bell));
  return v128.bitselect(y, x, i32x4.splat(0x7fffffff));
}

// @ts-ignore: decorator
@inline
function tanh4(x: v128): v128 {
  // 1 − 2 / (e^2x + 1)
  return f32x4.sub(all(1), f32x4.div(all(2), f32x4.add(exp4(f32x4.add(x, x)), all(1))));
}

/** Sum of the four lanes. */
// @ts-ignore: decorator
@inline
function across(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** The operations of `unary` and `unaryGradient`. */
const EXP = 0;
const SIGMOID = 1;
const GELU = 2;
const QUICK_GELU = 3;
const TANH_GELU = 4;
const ERF = 5;
const TANH = 6;
const SLOPE: f32 = 0.7978845608;

// @ts-ignore: decorator
@inline
function value4(op: i32, x: v128): v128 {
  if (op == EXP) return exp4(x);
  if (op == SIGMOID) return sigmoid4(x);
  if (op == QUICK_GELU) return f32x4.mul(x, sigmoid4(f32x4.mul(x, all(1.702))));
  if (op == TANH_GELU) {
    const inner = f32x4.mul(f32x4.mul(x, all(SLOPE)), dot(f32x4.mul(x, x), all(0.044715), all(1)));
    return f32x4.mul(x, sigmoid4(f32x4.add(inner, inner)));
  }
  if (op == TANH) return tanh4(x);
  if (op == ERF) return erf4(x, exp4(f32x4.neg(f32x4.mul(x, x))));
  const z = f32x4.mul(x, all(0.70710678118));
  const e = erf4(z, exp4(f32x4.neg(f32x4.mul(z, z))));
  return f32x4.mul(f32x4.mul(x, all(0.5)), f32x4.add(e, all(1)));
}

// @ts-ignore: decorator
@inline
function slope4(op: i32, x: v128): v128 {
  if (op == QUICK_GELU) {
    const s = sigmoid4(f32x4.mul(x, all(1.702)));
    return f32x4.mul(s, dot(f32x4.mul(x, all(1.702)), f32x4.sub(all(1), s), all(1)));
  }
  if (op == TANH_GELU) {
    const square = f32x4.mul(x, x);
    const inner = f32x4.mul(f32x4.mul(x, all(SLOPE)), dot(square, all(0.044715), all(1)));
    const s = sigmoid4(f32x4.add(inner, inner));
    const dInner = f32x4.mul(dot(square, all(3 * 0.044715), all(1)), all(2 * SLOPE));
    return f32x4.add(s, f32x4.mul(f32x4.mul(x, dInner), f32x4.mul(s, f32x4.sub(all(1), s))));
  }
  const z = f32x4.mul(x, all(0.70710678118));
  const bell = exp4(f32x4.neg(f32x4.mul(z, z)));
  const below = f32x4.mul(f32x4.add(erf4(z, bell), all(1)), all(0.5));
  return dot(f32x4.mul(x, all(0.3989422804)), bell, below);
}

/** Copies up to three floats into a vector, so that tails go the way of the rest (same bits at any offset). */
// @ts-ignore: decorator
@inline
function loadTail(from: usize, count: i32): v128 {
  const a = load<f32>(from);
  const b: f32 = count > 1 ? load<f32>(from, 4) : 0;
  const c: f32 = count > 2 ? load<f32>(from, 8) : 0;
  return f32x4(a, b, c, 0);
}

// @ts-ignore: decorator
@inline
function loadTail4(from: usize, count: i32): v128 {
  return count == 4 ? v128.load(from) : loadTail(from, count);
}

// @ts-ignore: decorator
@inline
function storeTail(to: usize, count: i32, x: v128): void {
  store<f32>(to, f32x4.extract_lane(x, 0));
  if (count > 1) store<f32>(to, f32x4.extract_lane(x, 1), 4);
  if (count > 2) store<f32>(to, f32x4.extract_lane(x, 2), 8);
}

// @ts-ignore: decorator
@inline
function mapValues(op: i32, x: usize, y: usize, from: i32, to: i32): void {
  let i = from;
  for (; i + 4 <= to; i += 4) v128.store(y + (<usize>i << 2), value4(op, v128.load(x + (<usize>i << 2))));
  if (i < to) storeTail(y + (<usize>i << 2), to - i, value4(op, loadTail(x + (<usize>i << 2), to - i)));
}

/** y = op(x), numbers [from, to). */
export function unary(op: i32, x: usize, y: usize, from: i32, to: i32): void {
  if (op == EXP) mapValues(EXP, x, y, from, to);
  else if (op == SIGMOID) mapValues(SIGMOID, x, y, from, to);
  else if (op == GELU) mapValues(GELU, x, y, from, to);
  else if (op == QUICK_GELU) mapValues(QUICK_GELU, x, y, from, to);
  else if (op == TANH_GELU) mapValues(TANH_GELU, x, y, from, to);
  else if (op == ERF) mapValues(ERF, x, y, from, to);
  else mapValues(TANH, x, y, from, to);
}

// @ts-ignore: decorator
@inline
function mapSlopes(op: i32, x: usize, dy: usize, dx: usize, from: i32, to: i32): void {
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const o = <usize>i << 2;
    v128.store(dx + o, f32x4.mul(v128.load(dy + o), slope4(op, v128.load(x + o))));
  }
  if (i < to) {
    const o = <usize>i << 2;
    storeTail(dx + o, to - i, f32x4.mul(loadTail(dy + o, to - i), slope4(op, loadTail(x + o, to - i))));
  }
}

/** dx = dy · op′(x) for the three GELUs, numbers [from, to). */
export function unaryGradient(op: i32, x: usize, dy: usize, dx: usize, from: i32, to: i32): void {
  if (op == GELU) mapSlopes(GELU, x, dy, dx, from, to);
  else if (op == QUICK_GELU) mapSlopes(QUICK_GELU, x, dy, dx, from, to);
  else mapSlopes(TANH_GELU, x, dy, dx, from, to);
}

/** Adds a vector to a pair of float64 totals kept at `totals`. */
// @ts-ignore: decorator
@inline
function addTotals(totals: usize, x: v128): void {
  v128.store(totals, f64x2.add(v128.load(totals), f64x2.promote_low_f32x4(x)));
  const high = v128.shuffle<i32>(x, x, 2, 3, 0, 1);
  v128.store(totals, f64x2.add(v128.load(totals, 16), f64x2.promote_low_f32x4(high)), 16);
}

/** Writes up to 16 totals as float32. */
function storeTotals(totals: usize, out: usize, count: i32): void {
  for (let i = 0; i < count; i++) store<f32>(out + (<usize>i << 2), <f32>load<f64>(totals + (<usize>i << 3)));
}

/**
 * out[column] = Σ over rows of x[row][column] (· (y[row][column] − mean[column]), unless y is 0), columns [from·16, to·16). Sums of 64
 * rows are added up in float64. `totals`: 128 bytes of scratch.
 */
export function columnSum(
  x: usize, y: usize, mean: usize, rows: i32, columns: i32, out: usize, totals: usize, from: i32, to: i32,
): void {
  if (y) columnTotals(true, x, y, mean, rows, columns, out, totals, from, to);
  else columnTotals(false, x, y, mean, rows, columns, out, totals, from, to);
}

// @ts-ignore: decorator
@inline
function columnTotals(
  product: bool, x: usize, y: usize, mean: usize, rows: i32, columns: i32, out: usize, totals: usize, from: i32, to: i32,
): void {
  const step = <usize>columns << 2;
  for (let q = from; q < to; q++) {
    const c = q * 16;
    const count = min(16, columns - c);
    memory.fill(totals, 0, 128);
    for (let r0 = 0; r0 < rows; r0 += 64) {
      const end = min(rows, r0 + 64);
      let o = (<usize>c << 2) + <usize>r0 * step;
      if (count == 16) {
        let s0 = all(0);
        let s1 = all(0);
        let s2 = all(0);
        let s3 = all(0);
        const pivot = mean + (<usize>c << 2);
        const m0 = mean ? v128.load(pivot) : all(0);
        const m1 = mean ? v128.load(pivot, 16) : all(0);
        const m2 = mean ? v128.load(pivot, 32) : all(0);
        const m3 = mean ? v128.load(pivot, 48) : all(0);
        for (let r = r0; r < end; r++, o += step) {
          const p = x + o;
          if (product) {
            const z = y + o;
            s0 = dot(v128.load(p), f32x4.sub(v128.load(z), m0), s0);
            s1 = dot(v128.load(p, 16), f32x4.sub(v128.load(z, 16), m1), s1);
            s2 = dot(v128.load(p, 32), f32x4.sub(v128.load(z, 32), m2), s2);
            s3 = dot(v128.load(p, 48), f32x4.sub(v128.load(z, 48), m3), s3);
          } else {
            s0 = f32x4.add(s0, v128.load(p));
            s1 = f32x4.add(s1, v128.load(p, 16));
            s2 = f32x4.add(s2, v128.load(p, 32));
            s3 = f32x4.add(s3, v128.load(p, 48));
          }
        }
        addTotals(totals, s0);
        addTotals(totals + 32, s1);
        addTotals(totals + 64, s2);
        addTotals(totals + 96, s3);
      } else {
        for (let j = 0; j < count; j += 4) {
          const width = min(4, count - j);
          let part = all(0);
          let p = o + (<usize>j << 2);
          let m = all(0);
          if (mean) m = loadTail4(mean + (<usize>(c + j) << 2), width);
          for (let r = r0; r < end; r++, p += step) {
            const v = loadTail4(x + p, width);
            if (product) part = dot(v, f32x4.sub(loadTail4(y + p, width), m), part);
            else part = f32x4.add(part, v);
          }
          addTotals(totals + (<usize>j << 3), part);
        }
      }
    }
    storeTotals(totals, out + (<usize>c << 2), count);
  }
}

// @ts-ignore: decorator
@inline
function sumOf(x: usize, n: i32): f32 {
  let a = all(0);
  let b = all(0);
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    a = f32x4.add(a, v128.load(x + (<usize>i << 2)));
    b = f32x4.add(b, v128.load(x + (<usize>i << 2), 16));
  }
  for (; i + 4 <= n; i += 4) a = f32x4.add(a, v128.load(x + (<usize>i << 2)));
  if (i < n) b = f32x4.add(b, loadTail(x + (<usize>i << 2), n - i));
  return across(f32x4.add(a, b));
}

/** out[row] = factor · Σ x[row], rows [from, to). Long rows are added up in parts of 1024. */
export function rowSum(x: usize, columns: i32, out: usize, factor: f32, from: i32, to: i32): void {
  for (let r = from; r < to; r++) {
    const row = x + ((<usize>r * columns) << 2);
    let sum: f64 = 0;
    for (let c = 0; c < columns; c += 1024) sum += <f64>sumOf(row + (<usize>c << 2), min(1024, columns - c));
    store<f32>(out + (<usize>r << 2), <f32>(sum * <f64>factor));
  }
}

/** Layer normalisation of rows [from, to): y = (x − mean)/√(variance + ε) · weight + bias; also keeps x̂ and 1/√…. */
export function layerNorm(
  x: usize, weight: usize, bias: usize, n: i32, epsilon: f32, y: usize, normal: usize, inverse: usize, from: i32, to: i32,
): void {
  for (let r = from; r < to; r++) {
    const row = (<usize>r * n) << 2;
    const px = x + row;
    const mean = sumOf(px, n) / <f32>n;
    const m = all(mean);
    let squares = all(0);
    let i = 0;
    for (; i + 4 <= n; i += 4) {
      const d = f32x4.sub(v128.load(px + (<usize>i << 2)), m);
      squares = dot(d, d, squares);
    }
    let variance = across(squares);
    for (; i < n; i++) {
      const d = load<f32>(px + (<usize>i << 2)) - mean;
      variance += d * d;
    }
    const k = <f32>(1.0 / Math.sqrt(<f64>(variance / <f32>n) + <f64>epsilon));
    store<f32>(inverse + (<usize>r << 2), k);
    const ks = all(k);
    for (i = 0; i + 4 <= n; i += 4) {
      const o = <usize>i << 2;
      const h = f32x4.mul(f32x4.sub(v128.load(px + o), m), ks);
      v128.store(normal + row + o, h);
      v128.store(y + row + o, dot(h, v128.load(weight + o), v128.load(bias + o)));
    }
    for (; i < n; i++) {
      const o = <usize>i << 2;
      const h = (load<f32>(px + o) - mean) * k;
      store<f32>(normal + row + o, h);
      store<f32>(y + row + o, h * load<f32>(weight + o) + load<f32>(bias + o));
    }
  }
}

/** Its input gradient: dx = (g − mean g − x̂ · mean(g·x̂)) / √…, with g = dy·weight; rows [from, to). */
export function layerNormGradient(
  dy: usize, normal: usize, inverse: usize, weight: usize, n: i32, dx: usize, from: i32, to: i32,
): void {
  for (let r = from; r < to; r++) {
    const row = (<usize>r * n) << 2;
    let s = all(0);
    let d = all(0);
    let i = 0;
    for (; i + 4 <= n; i += 4) {
      const o = <usize>i << 2;
      const g = f32x4.mul(v128.load(dy + row + o), v128.load(weight + o));
      s = f32x4.add(s, g);
      d = dot(g, v128.load(normal + row + o), d);
    }
    let sum = across(s);
    let along = across(d);
    for (; i < n; i++) {
      const o = <usize>i << 2;
      const g = load<f32>(dy + row + o) * load<f32>(weight + o);
      sum += g;
      along += g * load<f32>(normal + row + o);
    }
    const mean = sum / <f32>n;
    const slant = along / <f32>n;
    const k = load<f32>(inverse + (<usize>r << 2));
    for (i = 0; i + 4 <= n; i += 4) {
      const o = <usize>i << 2;
      const g = f32x4.mul(v128.load(dy + row + o), v128.load(weight + o));
      const rest = f32x4.sub(f32x4.sub(g, all(mean)), f32x4.mul(v128.load(normal + row + o), all(slant)));
      v128.store(dx + row + o, f32x4.mul(rest, all(k)));
    }
    for (; i < n; i++) {
      const o = <usize>i << 2;
      const g = load<f32>(dy + row + o) * load<f32>(weight + o);
      store<f32>(dx + row + o, (g - mean - load<f32>(normal + row + o) * slant) * k);
    }
  }
}

/** Softmax of rows [from, to) of factor·x + mask (mask: rows repeat after maskRows; 0 rows: no mask). */
export function softmax(
  x: usize, n: i32, factor: f32, mask: usize, maskRows: i32, y: usize, from: i32, to: i32,
): void {
  for (let r = from; r < to; r++) {
    const px = x + ((<usize>r * n) << 2);
    const py = y + ((<usize>r * n) << 2);
    const pm = maskRows > 0 ? mask + ((<usize>(r % maskRows) * n) << 2) : 0;
    let top: f32 = -Infinity;
    let tops = all(-Infinity);
    let i = 0;
    for (; i + 4 <= n; i += 4) {
      const o = <usize>i << 2;
      let v = f32x4.mul(v128.load(px + o), all(factor));
      if (pm) v = f32x4.add(v, v128.load(pm + o));
      v128.store(py + o, v);
      tops = f32x4.max(tops, v);
    }
    for (; i < n; i++) {
      const o = <usize>i << 2;
      let v = load<f32>(px + o) * factor;
      if (pm) v += load<f32>(pm + o);
      store<f32>(py + o, v);
      top = max(top, v);
    }
    top = max(top, max(max(f32x4.extract_lane(tops, 0), f32x4.extract_lane(tops, 1)), max(f32x4.extract_lane(tops, 2), f32x4.extract_lane(tops, 3))));
    const t = all(top);
    let sums = all(0);
    for (i = 0; i + 4 <= n; i += 4) {
      const o = <usize>i << 2;
      const e = exp4(f32x4.sub(v128.load(py + o), t));
      v128.store(py + o, e);
      sums = f32x4.add(sums, e);
    }
    let sum = across(sums);
    if (i < n) {
      const e = exp4(f32x4.sub(loadTail(py + (<usize>i << 2), n - i), t));
      storeTail(py + (<usize>i << 2), n - i, e);
      for (let q = i; q < n; q++) sum += load<f32>(py + (<usize>q << 2));
    }
    const k: f32 = <f32>1 / sum;
    for (i = 0; i + 4 <= n; i += 4) v128.store(py + (<usize>i << 2), f32x4.mul(v128.load(py + (<usize>i << 2)), all(k)));
    for (; i < n; i++) store<f32>(py + (<usize>i << 2), load<f32>(py + (<usize>i << 2)) * k);
  }
}

/** dx = factor · y · (dy − Σ dy·y) for rows [from, to). */
export function softmaxGradient(y: usize, dy: usize, n: i32, factor: f32, dx: usize, from: i32, to: i32): void {
  for (let r = from; r < to; r++) {
    const row = (<usize>r * n) << 2;
    let sums = all(0);
    let i = 0;
    for (; i + 4 <= n; i += 4) {
      const o = row + (<usize>i << 2);
      sums = dot(v128.load(y + o), v128.load(dy + o), sums);
    }
    let sum = across(sums);
    for (; i < n; i++) sum += load<f32>(y + row + (<usize>i << 2)) * load<f32>(dy + row + (<usize>i << 2));
    for (i = 0; i + 4 <= n; i += 4) {
      const o = row + (<usize>i << 2);
      const d = f32x4.mul(v128.load(y + o), f32x4.sub(v128.load(dy + o), all(sum)));
      v128.store(dx + o, f32x4.mul(d, all(factor)));
    }
    for (; i < n; i++) {
      const o = row + (<usize>i << 2);
      store<f32>(dx + o, load<f32>(y + o) * (load<f32>(dy + o) - sum) * factor);
    }
  }
}

/** Mean and biased variance of columns [from·16, to·16) of x [rows, columns], in two passes. */
export function columnMoments(
  x: usize, rows: i32, columns: i32, mean: usize, variance: usize, totals: usize, from: i32, to: i32,
): void {
  columnTotals(false, x, 0, 0, rows, columns, mean, totals, from, to);
  const step = <usize>columns << 2;
  for (let q = from; q < to; q++) {
    const c = q * 16;
    const count = min(16, columns - c);
    for (let j = 0; j < count; j++) {
      const o = <usize>(c + j) << 2;
      store<f32>(mean + o, load<f32>(mean + o) / <f32>rows);
    }
    memory.fill(totals, 0, 128);
    for (let r0 = 0; r0 < rows; r0 += 64) {
      const end = min(rows, r0 + 64);
      for (let j = 0; j < count; j += 4) {
        const width = min(4, count - j);
        const o = <usize>(c + j) << 2;
        const m = width == 4 ? v128.load(mean + o) : loadTail(mean + o, width);
        let part = all(0);
        let p = x + o + <usize>r0 * step;
        for (let r = r0; r < end; r++, p += step) {
          const d = f32x4.sub(width == 4 ? v128.load(p) : loadTail(p, width), m);
          part = dot(d, d, part);
        }
        addTotals(totals + (<usize>j << 3), part);
      }
    }
    for (let j = 0; j < count; j++)
      store<f32>(variance + (<usize>(c + j) << 2), <f32>(load<f64>(totals + (<usize>j << 3)) / <f64>rows));
  }
}

/**
 * y = a·(x − m) + b·z + c with a, m, b, c by column (z and b may be 0: left out), rows [from, to). Subtracting first
 * keeps the digits of a column whose mean is far from zero.
 */
export function columnAffine(
  x: usize, a: usize, m: usize, z: usize, b: usize, c: usize, columns: i32, y: usize, from: i32, to: i32,
): void {
  for (let r = from; r < to; r++) {
    const row = (<usize>r * columns) << 2;
    let i = 0;
    for (; i + 4 <= columns; i += 4) {
      const o = <usize>i << 2;
      let v = dot(f32x4.sub(v128.load(x + row + o), v128.load(m + o)), v128.load(a + o), v128.load(c + o));
      if (b) v = dot(v128.load(z + row + o), v128.load(b + o), v);
      v128.store(y + row + o, v);
    }
    for (; i < columns; i++) {
      const o = <usize>i << 2;
      let v = (load<f32>(x + row + o) - load<f32>(m + o)) * load<f32>(a + o) + load<f32>(c + o);
      if (b) v += load<f32>(z + row + o) * load<f32>(b + o);
      store<f32>(y + row + o, v);
    }
  }
}

/**
 * AdamW on numbers [from, to): p·(1 − lr·decay) − step·m′/(√v′·root + ε), with g = scale·grad, m′ = β₁m + (1−β₁)g,
 * v′ = β₂v + (1−β₂)g². `step` is lr/(1−β₁ᵗ) and `root` is 1/√(1−β₂ᵗ), as in PyTorch. Everything in place.
 */
export function adamw(
  p: usize, m: usize, v: usize, g: usize, scale: f32, keep: f32, beta1: f32, beta2: f32, rest1: f32, rest2: f32,
  step: f32, root: f32, epsilon: f32, from: i32, to: i32,
): void {
  for (let i = from; i < to; i += 4) {
    const o = <usize>i << 2;
    const count = to - i;
    const whole = count >= 4;
    const grad = f32x4.mul(whole ? v128.load(g + o) : loadTail(g + o, count), all(scale));
    let m4 = whole ? v128.load(m + o) : loadTail(m + o, count);
    let v4 = whole ? v128.load(v + o) : loadTail(v + o, count);
    let p4 = whole ? v128.load(p + o) : loadTail(p + o, count);
    m4 = f32x4.add(f32x4.mul(m4, all(beta1)), f32x4.mul(grad, all(rest1)));
    v4 = f32x4.add(f32x4.mul(v4, all(beta2)), f32x4.mul(f32x4.mul(grad, grad), all(rest2)));
    const below = f32x4.add(f32x4.mul(f32x4.sqrt(v4), all(root)), all(epsilon));
    p4 = f32x4.sub(f32x4.mul(p4, all(keep)), f32x4.div(f32x4.mul(m4, all(step)), below));
    if (whole) {
      v128.store(m + o, m4);
      v128.store(v + o, v4);
      v128.store(p + o, p4);
    } else {
      storeTail(m + o, count, m4);
      storeTail(v + o, count, v4);
      storeTail(p + o, count, p4);
    }
  }
}

/** out[part] = Σ x² over part·4096 … (part+1)·4096, in float64 at the end; parts [from, to). */
export function squareSums(x: usize, n: i32, out: usize, from: i32, to: i32): void {
  for (let part = from; part < to; part++) {
    const end = min(n, (part + 1) * 4096);
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    for (let i = part * 4096; i < end; i += 4) {
      const o = <usize>i << 2;
      const a = end - i >= 4 ? v128.load(x + o) : loadTail(x + o, end - i);
      const l = f64x2.promote_low_f32x4(a);
      const h = f64x2.promote_low_f32x4(v128.shuffle<i32>(a, a, 2, 3, 0, 1));
      low = f64x2.add(low, f64x2.mul(l, l));
      high = f64x2.add(high, f64x2.mul(h, h));
    }
    const sum = f64x2.add(low, high);
    store<f64>(out + (<usize>part << 3), f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1));
  }
}

/** to[ids[i]] += x[i] for rows of `width` floats; only columns [from, to). `to` holds `segments` rows. */
export function scatterAdd(x: usize, ids: usize, rows: i32, width: i32, segments: i32, out: usize, from: i32, to: i32): void {
  for (let r = 0; r < rows; r++) {
    const id = load<i32>(ids + (<usize>r << 2));
    if (id < 0 || id >= segments) continue;
    const px = x + ((<usize>r * width) << 2);
    const po = out + ((<usize>id * width) << 2);
    let i = from;
    for (; i + 4 <= to; i += 4) {
      const o = <usize>i << 2;
      v128.store(po + o, f32x4.add(v128.load(po + o), v128.load(px + o)));
    }
    for (; i < to; i++) {
      const o = <usize>i << 2;
      store<f32>(po + o, load<f32>(po + o) + load<f32>(px + o));
    }
  }
}

/** y[row] = bias for rows [from, to): what a product with a bias starts from. */
export function fillRows(bias: usize, columns: i32, y: usize, from: i32, to: i32): void {
  for (let r = from; r < to; r++) memory.copy(y + ((<usize>r * columns) << 2), bias, <usize>columns << 2);
}
