/** IEEE half precision to float32, exact. */
export function decodeFloat16(halves: Uint16Array): Float32Array {
  const table = float16Table();
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = table[halves[i]!]!;
  return values;
}

let decoded: Float32Array | undefined;

/** All 65,536 half-precision values. */
function float16Table(): Float32Array {
  if (decoded !== undefined) return decoded;
  decoded = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) decoded[bits] = fraction === 0 ? sign * Infinity : NaN;
    else if (exponent === 0) decoded[bits] = sign * fraction * 2 ** -24;
    else decoded[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return decoded;
}

/** float32 to IEEE half precision, rounded to nearest, ties to even. */
export function encodeFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fffffff;
    let half: number;
    if (magnitude > 0x7f800000) half = 0x7e00;
    else if (magnitude >= 0x477ff000) half = 0x7c00;
    else if (magnitude < 0x33000000) half = 0;
    else if (magnitude < 0x38800000) {
      // below the smallest normal half: the hidden bit moves into the fraction
      const shift = 126 - (magnitude >>> 23);
      half = roundShift((magnitude & 0x7fffff) | 0x800000, shift);
    } else half = roundShift(magnitude - 0x38000000, 13);
    halves[i] = sign | half;
  }
  return halves;
}

/** value / 2^shift, rounded to nearest, ties to even. */
function roundShift(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return rest > half || (rest === half && (kept & 1) === 1) ? kept + 1 : kept;
}

/** bfloat16 to float32, exact. */
export function decodeBfloat16(halves: Uint16Array): Float32Array {
  const words = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) words[i] = halves[i]! << 16;
  return new Float32Array(words.buffer);
}

/** float32 to bfloat16, rounded to nearest, ties to even; NaN stays NaN. */
export function encodeBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    halves[i] =
      (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return halves;
}
