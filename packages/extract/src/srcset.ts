export interface SrcsetCandidate {
  url: string;
  /** Pixels across by a "640w" descriptor, or null. */
  width: number | null;
  /** Pixel density by a "2x" descriptor; 1 where nothing is said. */
  density: number;
}

/** Reads a srcset (WHATWG HTML §4.8.4.2.1): URLs may hold commas, a comma ends a candidate only after white space or its descriptor. */
export function parseSrcset(text: string): SrcsetCandidate[] {
  const found: SrcsetCandidate[] = [];
  const pattern = /[\s,]*([^\s,]\S*)((?:[^,(]|\([^)]*\))*)(?:,|$)/y;
  while (found.length < 100) {
    const match = pattern.exec(text);
    const [, token] = match ?? [];
    if (match === null || token === undefined) break;
    if (token.endsWith(",")) {
      // "a.jpg, b.jpg 2x": the comma belongs to the list, and there is no descriptor.
      found.push({ url: token.replace(/,+$/, ""), width: null, density: 1 });
      pattern.lastIndex = match.index + match[0].indexOf(token) + token.length;
      continue;
    }
    const descriptors = match[2] ?? "";
    const width = /(?:^|\s)(\d+)w(?:\s|$)/.exec(descriptors)?.[1];
    const density = /(?:^|\s)(\d+(?:\.\d+)?)x(?:\s|$)/.exec(descriptors)?.[1];
    found.push({
      url: token,
      width: width === undefined ? null : Number(width),
      density: Number(density ?? 1),
    });
  }
  return found.filter(({ url }) => url !== "");
}

/** The largest picture of some srcsets: by width where one is given, else by density; the first of equals. */
export function largestOf(candidates: readonly SrcsetCandidate[]): string | null {
  let best: SrcsetCandidate | null = null;
  for (const candidate of candidates) {
    if (candidate.url.startsWith("data:")) continue;
    if (best === null || size(candidate) > size(best)) best = candidate;
  }
  return best?.url ?? null;
}

/** Widths compare with widths; a density counts as that many small thumbnails. */
function size({ width, density }: SrcsetCandidate): number {
  return width ?? density * 300;
}
