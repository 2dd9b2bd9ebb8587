/** Captions are compared in lower case: CLIP's tokenizer sees no capitals. */
export const foldCaption = (caption: string): string => caption.trim().toLowerCase();

/** Equal captions (whatever their case) get equal numbers, from 0 on. */
export function captionNumbers(captions: readonly string[]): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(captions, (caption) => {
    const folded = foldCaption(caption);
    const number = numbers.get(folded) ?? numbers.size;
    numbers.set(folded, number);
    return number;
  });
}
