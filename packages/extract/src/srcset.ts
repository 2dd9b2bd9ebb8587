export interface SrcsetCandidate {
  url: string;
  /** Pixels across by a "640w" descriptor, or null. */
  width: number | null;
  /** Pixel density by a "2x" descriptor; 1 where nothing is said. */
  density: number;
}

const maxCandidates = 1000;
const separators = "\t\n\f\r ,";
const whitespace = "\t\n\f\r ";

/**
 * Reads a srcset as browsers do (WHATWG HTML, "parse a srcset attribute"): URLs may hold commas, white space ends them,
 * and a candidate whose descriptors are wrong is dropped.
 */
export function parseSrcset(text: string): SrcsetCandidate[] {
  const found: SrcsetCandidate[] = [];
  let at = 0;
  while (found.length < maxCandidates) {
    while (at < text.length && separators.includes(text.charAt(at))) at++;
    if (at === text.length) break;
    const start = at;
    while (at < text.length && !whitespace.includes(text.charAt(at))) at++;
    let end = at;
    while (text.charAt(end - 1) === ",") end--;
    const url = text.slice(start, end);
    let descriptors: string[] = [];
    // A comma at a URL's end belongs to the list: the candidate has no descriptors.
    if (end === at) [descriptors, at] = readDescriptors(text, at);
    const size = sizeOf(descriptors);
    if (size !== null) found.push({ url, ...size });
  }
  return found;
}

/** The words up to the next comma outside parentheses, and the place behind it. */
function readDescriptors(text: string, from: number): [descriptors: string[], at: number] {
  const descriptors: string[] = [];
  let start = from;
  let inParentheses = false;
  let at = from;
  const take = (): void => {
    if (at > start) descriptors.push(text.slice(start, at));
    start = at + 1;
  };
  for (; at < text.length; at++) {
    const character = text.charAt(at);
    if (inParentheses) inParentheses = character !== ")";
    else if (character === "(") inParentheses = true;
    else if (whitespace.includes(character)) take();
    else if (character === ",") {
      take();
      return [descriptors, at + 1];
    }
  }
  take();
  return [descriptors, at];
}

const integer = /^\d+$/;
/** A valid floating-point number. */
const float = /^-?(\d+(\.\d+)?|\.\d+)(e[+-]?\d+)?$/i;

/** What the descriptors say, or null where one of them is wrong, doubled or contradicts another. */
function sizeOf(descriptors: readonly string[]): Omit<SrcsetCandidate, "url"> | null {
  let width: number | null = null;
  let density: number | null = null;
  let height: number | null = null;
  for (const descriptor of descriptors) {
    const number = descriptor.slice(0, -1);
    const value = Number(number);
    if (!Number.isFinite(value)) return null;
    if (descriptor.endsWith("w") && integer.test(number)) {
      if (width !== null || density !== null || value === 0) return null;
      width = value;
    } else if (descriptor.endsWith("x") && float.test(number)) {
      if (width !== null || density !== null || height !== null || value < 0) return null;
      density = value;
    } else if (descriptor.endsWith("h") && integer.test(number)) {
      if (height !== null || density !== null || value === 0) return null;
      height = value;
    } else return null;
  }
  return height !== null && width === null ? null : { width, density: density ?? 1 };
}

/** The addresses of some srcsets, the largest picture first: by width where one is given, else by density. */
export function bySize(candidates: readonly SrcsetCandidate[]): string[] {
  return [...candidates].sort((a, b) => size(b) - size(a)).map(({ url }) => url);
}

/** Widths compare with widths; a density counts as that many small thumbnails. */
function size({ width, density }: SrcsetCandidate): number {
  return width ?? density * 300;
}
