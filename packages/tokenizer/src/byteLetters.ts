/**
 * The letters by which CLIP's vocabulary names the 256 bytes, in the order of their ids: printable bytes as themselves,
 * then the others as letters from U+0100 on.
 */
export function byteLetters(): { byte: number; letter: string }[] {
  const isPrintable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 255 && byte !== 173);
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const printable = bytes.filter(isPrintable);
  const others = bytes.filter((byte) => !isPrintable(byte));
  return [
    ...printable.map((byte) => ({ byte, letter: String.fromCharCode(byte) })),
    ...others.map((byte, i) => ({ byte, letter: String.fromCharCode(256 + i) })),
  ];
}
