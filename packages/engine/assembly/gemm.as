// Matrix products and convolutions. Everything is float32; strides and sizes are counted in floats, pointers in bytes.
//
// C[M,N] (+)= A[M,K] · B[K,N] is computed from packed operands: B in panels of 8 columns ([K][8] each), A in panels of 4
// rows ([k][4] each), K in blocks of at most KC. Each number of C is the sum over k in one fixed order, so neither the
// number of threads nor the range of a call changes any bit.

import { dot } from "./fused";

/** Depth of one block of K. */
const KC: i32 = 256;
/** Rows of A that are packed at once: MC · KC floats, which fit the second-level cache. */
const MC: i32 = 64;

/** Bytes of scratch that each thread needs for packed A, one tile of C and a row of zeros of `channels`. */
export function gemmScratchBytes(channels: i32): i32 {
  return (MC * KC + 32 + channels + 8) * 4;
}

/** One tile: c[4][8] (+)= Σ_k a[k][4] · b[k][8]. */
// @ts-ignore: decorator
@inline
function tile(kc: i32, a: usize, b: usize, c: usize, ldc: usize, add: bool): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let x: v128;
  for (const end = b + (<usize>kc << 5); b < end; ) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    x = v128.load_splat<f32>(a);
    c00 = dot(x, b0, c00);
    c01 = dot(x, b1, c01);
    x = v128.load_splat<f32>(a, 4);
    c10 = dot(x, b0, c10);
    c11 = dot(x, b1, c11);
    x = v128.load_splat<f32>(a, 8);
    c20 = dot(x, b0, c20);
    c21 = dot(x, b1, c21);
    x = v128.load_splat<f32>(a, 12);
    c30 = dot(x, b0, c30);
    c31 = dot(x, b1, c31);
    a += 16;
    b += 32;
  }
  if (add) {
    c00 = f32x4.add(c00, v128.load(c));
    c01 = f32x4.add(c01, v128.load(c, 16));
    c10 = f32x4.add(c10, v128.load(c + ldc));
    c11 = f32x4.add(c11, v128.load(c + ldc, 16));
    c20 = f32x4.add(c20, v128.load(c + 2 * ldc));
    c21 = f32x4.add(c21, v128.load(c + 2 * ldc, 16));
    c30 = f32x4.add(c30, v128.load(c + 3 * ldc));
    c31 = f32x4.add(c31, v128.load(c + 3 * ldc, 16));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c + ldc, c10);
  v128.store(c + ldc, c11, 16);
  v128.store(c + 2 * ldc, c20);
  v128.store(c + 2 * ldc, c21, 16);
  v128.store(c + 3 * ldc, c30);
  v128.store(c + 3 * ldc, c31, 16);
}

/** A block of packed A [rows][kc] times all of packed B, from depth k0 on. `c` points at the block's first row. */
function block(rows: i32, n: i32, k: i32, k0: i32, kc: i32, a: usize, b: usize, c: usize, spare: usize, add: bool): void {
  const ldc = <usize>n << 2;
  for (let j = 0; j < n; j += 8) {
    const panel = b + ((<usize>(j >> 3) * k + k0) << 5);
    const width = min(8, n - j);
    for (let i = 0; i < rows; i += 4) {
      const height = min(4, rows - i);
      const from = a + ((<usize>i * kc) << 2);
      const to = c + <usize>i * ldc + (<usize>j << 2);
      if (width == 8 && height == 4) {
        tile(kc, from, panel, to, ldc, add);
      } else {
        tile(kc, from, panel, spare, 32, false);
        for (let r = 0; r < height; r++)
          for (let q = 0; q < width; q++) {
            const at = to + <usize>r * ldc + (<usize>q << 2);
            const value = load<f32>(spare + ((r * 8 + q) << 2));
            store<f32>(at, add ? load<f32>(at) + value : value);
          }
      }
    }
  }
}

/** Four rows of `count` floats, side by side: to[i][4]. */
function interleave(p0: usize, p1: usize, p2: usize, p3: usize, count: i32, to: usize): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const r0 = v128.load(p0);
    const r1 = v128.load(p1);
    const r2 = v128.load(p2);
    const r3 = v128.load(p3);
    const t0 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
    const t1 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
    const t2 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
    const t3 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<i64>(t0, t1, 0, 2));
    v128.store(to, v128.shuffle<i64>(t0, t1, 1, 3), 16);
    v128.store(to, v128.shuffle<i64>(t2, t3, 0, 2), 32);
    v128.store(to, v128.shuffle<i64>(t2, t3, 1, 3), 48);
    p0 += 16;
    p1 += 16;
    p2 += 16;
    p3 += 16;
    to += 64;
  }
  for (; i < count; i++) {
    store<f32>(to, load<f32>(p0));
    store<f32>(to, load<f32>(p1), 4);
    store<f32>(to, load<f32>(p2), 8);
    store<f32>(to, load<f32>(p3), 12);
    p0 += 4;
    p1 += 4;
    p2 += 4;
    p3 += 4;
    to += 16;
  }
}

/** Packs rows [m0, m0+rows) and depths [k0, k0+kc) of A. Turned: A[m,k] lies at a[k·ld+m], else at a[m·ld+k]. */
function packA(a: usize, ld: i32, turned: bool, m0: i32, rows: i32, k0: i32, kc: i32, to: usize): void {
  for (let i = 0; i < rows; i += 4) {
    const height = min(4, rows - i);
    const out = to + ((<usize>i * kc) << 2);
    if (turned) {
      let from = a + ((<usize>k0 * ld + m0 + i) << 2);
      if (height == 4) {
        for (let k = 0; k < kc; k++, from += <usize>ld << 2) v128.store(out + (<usize>k << 4), v128.load(from));
      } else {
        for (let k = 0; k < kc; k++, from += <usize>ld << 2)
          for (let r = 0; r < 4; r++)
            store<f32>(out + (<usize>(k * 4 + r) << 2), r < height ? load<f32>(from + (<usize>r << 2)) : 0);
      }
    } else {
      // A missing row repeats the last one: what comes of it is never stored
      const p0 = a + ((<usize>(m0 + i) * ld + k0) << 2);
      const step = <usize>ld << 2;
      const p1 = height > 1 ? p0 + step : p0;
      const p2 = height > 2 ? p1 + step : p1;
      interleave(p0, p1, p2, height > 3 ? p2 + step : p2, kc, out);
    }
  }
}

/** Packs panels [from, to) of 8 columns of B. Turned: B[k,n] lies at b[n·ld+k], else at b[k·ld+n]. */
export function packB(b: usize, ld: i32, turned: bool, k: i32, n: i32, out: usize, from: i32, to: i32): void {
  for (let p = from; p < to; p++) packPanel(b, ld, turned, k, n - p * 8, p * 8, out + ((<usize>p * k) << 5));
}

/** One panel of columns n0 … n0+7, of which `width` exist. */
function packPanel(b: usize, ld: i32, turned: bool, k: i32, width: i32, n0: i32, out: usize): void {
  const step = <usize>ld << 2;
  if (!turned && width >= 8) {
    let from = b + (<usize>n0 << 2);
    for (let i = 0; i < k; i++, from += step, out += 32) {
      v128.store(out, v128.load(from));
      v128.store(out, v128.load(from, 16), 16);
    }
  } else if (turned && width >= 8) {
    let from = b + ((<usize>n0 * ld) << 2);
    let i = 0;
    for (; i + 4 <= k; i += 4, from += 16, out += 128) {
      for (let half = 0; half < 2; half++) {
        const p = from + <usize>(half * 4) * step;
        const r0 = v128.load(p);
        const r1 = v128.load(p + step);
        const r2 = v128.load(p + 2 * step);
        const r3 = v128.load(p + 3 * step);
        const t0 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
        const t1 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
        const t2 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
        const t3 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
        const o = out + <usize>(half << 4);
        v128.store(o, v128.shuffle<i64>(t0, t1, 0, 2));
        v128.store(o, v128.shuffle<i64>(t0, t1, 1, 3), 32);
        v128.store(o, v128.shuffle<i64>(t2, t3, 0, 2), 64);
        v128.store(o, v128.shuffle<i64>(t2, t3, 1, 3), 96);
      }
    }
    for (; i < k; i++, from += 4, out += 32)
      for (let q = 0; q < 8; q++) store<f32>(out + (<usize>q << 2), load<f32>(from + <usize>q * step));
  } else {
    for (let i = 0; i < k; i++, out += 32)
      for (let q = 0; q < 8; q++) {
        const at = turned ? <usize>(n0 + q) * ld + i : <usize>i * ld + n0 + q;
        store<f32>(out + (<usize>q << 2), q < width ? load<f32>(b + (at << 2)) : 0);
      }
  }
}

/** Row panels [from, to) (of 4 rows) of C = A·B with B packed; with `add`, onto what C holds. */
export function gemmRows(
  a: usize, lda: i32, turnedA: bool, packedB: usize, c: usize, m: i32, n: i32, k: i32, add: bool, scratch: usize, from: i32, to: i32,
): void {
  const spare = scratch + <usize>(MC * KC * 4);
  const last = min(m, to * 4);
  for (let k0 = 0; k0 < k; k0 += KC) {
    const kc = min(KC, k - k0);
    for (let m0 = from * 4; m0 < last; m0 += MC) {
      const rows = min(MC, last - m0);
      packA(a, lda, turnedA, m0, rows, k0, kc, scratch);
      block(rows, n, k, k0, kc, scratch, packedB, c + ((<usize>m0 * n) << 2), spare, add || k0 > 0);
    }
  }
}

/** Products [from, to) of a batch. A stride of 0 repeats one operand. `scratch` also holds B packed, behind the rest. */
export function gemmBatch(
  a: usize, lda: i32, turnedA: bool, strideA: i32, b: usize, ldb: i32, turnedB: bool, strideB: i32,
  c: usize, m: i32, n: i32, k: i32, scratch: usize, from: i32, to: i32,
): void {
  const packed = scratch + <usize>gemmScratchBytes(0);
  const panels = (n + 7) >> 3;
  for (let i = from; i < to; i++) {
    if (i == from || strideB != 0) packB(b + ((<usize>i * strideB) << 2), ldb, turnedB, k, n, packed, 0, panels);
    const ci = c + ((<usize>i * m * n) << 2);
    gemmRows(a + ((<usize>i * strideA) << 2), lda, turnedA, packed, ci, m, n, k, false, scratch, 0, (m + 3) >> 2);
  }
}

// ---- Convolutions (NHWC) as products with patches that are gathered while packing

/**
 * The shape of a convolution, as 15 int32 behind a pointer: 0 H and 1 W of the picture that is
 * read, 2 floats of one tap, 3 OH and 4 OW of the pixels that are written (one row of patches each), 5 FH, 6 FW, 7 strideH, 8 strideW, 9 padTop, 10 padLeft,
 * 11 dilationH, 12 dilationW, 13 whether the read picture is the convolution's output (input gradient), 14 floats between
 * pixels (channels again, unless the taps of a row were joined into one long tap).
 */
// @ts-ignore: decorator
@inline
function at(shape: usize, i: i32): i32 {
  return load<i32>(shape + (<usize>i << 2));
}

/** Where tap (fy, fx) of output pixel m reads, or `zeros` outside the picture. */
// @ts-ignore: decorator
@inline
function patch(s: usize, picture: usize, zeros: usize, m: i32, fy: i32, fx: i32): usize {
  const w = at(s, 4);
  const h = at(s, 3);
  const row = m / w;
  const ox = m - row * w;
  const image = row / h;
  const oy = row - image * h;
  let y: i32;
  let x: i32;
  if (at(s, 13)) {
    y = oy + at(s, 9) - fy * at(s, 11);
    x = ox + at(s, 10) - fx * at(s, 12);
    const sy = at(s, 7);
    const sx = at(s, 8);
    if (y < 0 || x < 0 || (sy > 1 && y % sy != 0) || (sx > 1 && x % sx != 0)) return zeros;
    if (sy > 1) y /= sy;
    if (sx > 1) x /= sx;
  } else {
    y = oy * at(s, 7) + fy * at(s, 11) - at(s, 9);
    x = ox * at(s, 8) + fx * at(s, 12) - at(s, 10);
    if (y < 0 || x < 0) return zeros;
  }
  if (y >= at(s, 0) || x >= at(s, 1)) return zeros;
  return picture + ((((<usize>image * at(s, 0) + y) * at(s, 1) + x) * at(s, 14)) << 2);
}

/** As packA, with rows = patches of the picture: k = (fy, fx, channel). */
function packPatches(s: usize, picture: usize, zeros: usize, m0: i32, rows: i32, k0: i32, kc: i32, to: usize): void {
  const channels = at(s, 2);
  const fw = at(s, 6);
  for (let i = 0; i < rows; i += 4) {
    let out = to + ((<usize>i * kc) << 2);
    const last = rows - 1;
    for (let k = k0; k < k0 + kc; ) {
      const tap = k / channels;
      const channel = k - tap * channels;
      const count = min(channels - channel, k0 + kc - k);
      const fy = tap / fw;
      const fx = tap - fy * fw;
      const skip = <usize>channel << 2;
      interleave(
        patch(s, picture, zeros, m0 + i, fy, fx) + skip,
        patch(s, picture, zeros, m0 + min(i + 1, last), fy, fx) + skip,
        patch(s, picture, zeros, m0 + min(i + 2, last), fy, fx) + skip,
        patch(s, picture, zeros, m0 + min(i + 3, last), fy, fx) + skip,
        count,
        out,
      );
      out += <usize>count << 4;
      k += count;
    }
  }
}

// @ts-ignore: decorator
@inline
function clear(zeros: usize, count: i32): void {
  memory.fill(zeros, 0, <usize>count << 2);
}

/** Row panels [from, to) of patches · B (packed): a convolution, or its input gradient. m rows, n channels written. */
export function convRows(
  s: usize, picture: usize, packedB: usize, c: usize, m: i32, n: i32, scratch: usize, from: i32, to: i32,
): void {
  const k = at(s, 5) * at(s, 6) * at(s, 2);
  const spare = scratch + <usize>(MC * KC * 4);
  const zeros = spare + 128;
  clear(zeros, at(s, 2) + 8);
  const last = min(m, to * 4);
  for (let m0 = from * 4; m0 < last; m0 += MC) {
    const rows = min(MC, last - m0);
    for (let k0 = 0; k0 < k; k0 += KC) {
      const kc = min(KC, k - k0);
      packPatches(s, picture, zeros, m0, rows, k0, kc, scratch);
      block(rows, n, k, k0, kc, scratch, packedB, c + ((<usize>m0 * n) << 2), spare, k0 > 0);
    }
  }
}

/** As packA of the turned patches: rows = (fy, fx, channel) from r0 on, depth = output pixels from p0 on. */
function packTurnedPatches(s: usize, picture: usize, zeros: usize, r0: i32, rows: i32, p0: i32, pc: i32, to: usize): void {
  const channels = at(s, 2);
  const fw = at(s, 6);
  const stride = <usize>pc << 4;
  for (let i = 0; i < rows; ) {
    const tap = (r0 + i) / channels;
    const channel = r0 + i - tap * channels;
    const count = min(channels - channel, rows - i);
    const fy = tap / fw;
    const fx = tap - fy * fw;
    for (let p = 0; p < pc; p++) {
      const from = patch(s, picture, zeros, p0 + p, fy, fx) + (<usize>channel << 2);
      let j = 0;
      if ((i & 3) == 0) {
        for (; j + 4 <= count; j += 4)
          v128.store(to + <usize>((i + j) >> 2) * stride + (<usize>p << 4), v128.load(from + (<usize>j << 2)));
      }
      for (; j < count; j++) {
        const row = i + j;
        store<f32>(
          to + <usize>(row >> 2) * stride + (<usize>p << 4) + (<usize>(row & 3) << 2),
          load<f32>(from + (<usize>j << 2)),
        );
      }
    }
    i += count;
  }
}

/** Row panels [from, to) of the filter's gradient [FH·FW·C, n] = patchesᵀ · dy, with dy [pixels, n] packed. */
export function convFilterRows(
  s: usize, picture: usize, packedDy: usize, c: usize, pixels: i32, n: i32, scratch: usize, from: i32, to: i32,
): void {
  const m = at(s, 5) * at(s, 6) * at(s, 2);
  const spare = scratch + <usize>(MC * KC * 4);
  const zeros = spare + 128;
  clear(zeros, at(s, 2) + 8);
  const last = min(m, to * 4);
  for (let p0 = 0; p0 < pixels; p0 += KC) {
    const pc = min(KC, pixels - p0);
    for (let m0 = from * 4; m0 < last; m0 += MC) {
      const rows = min(MC, last - m0);
      packTurnedPatches(s, picture, zeros, m0, rows, p0, pc, scratch);
      block(rows, n, pixels, p0, pc, scratch, packedDy, c + ((<usize>m0 * n) << 2), spare, p0 > 0);
    }
  }
}

/**
 * Packs a filter [taps, C, K] for the input gradient: B[k=(tap, o), n=c] = filter[tap][c][o], panels [from, to) of 8
 * channels c.
 */
export function packTurnedFilter(filter: usize, taps: i32, c: i32, k: i32, out: usize, from: i32, to: i32): void {
  for (let p = from; p < to; p++)
    for (let tap = 0; tap < taps; tap++)
      packPanel(filter + ((<usize>tap * c * k) << 2), k, true, k, c - p * 8, p * 8, out + ((<usize>p * taps * k + <usize>tap * k) << 5));
}
