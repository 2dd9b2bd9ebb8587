/** Compares two strings as their UTF-8 bytes compare (which is code-point order; plain `<` compares UTF-16 units). */
export function byteOrder(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above all of the basic plane. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Each once, in byte order. */
export function sortedOnce(values: Iterable<string>): string[] {
  return [...new Set(values)].sort(byteOrder);
}
