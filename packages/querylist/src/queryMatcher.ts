/** A word; scripts that write no spaces give one word a character. */
const wordPattern =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]\p{M}*|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}])[\p{L}\p{M}\p{N}])+/gu;

/** Words of a text, without case, width and punctuation. */
export function foldWords(text: string): string[] {
  return text.normalize("NFKC").toLowerCase().match(wordPattern) ?? [];
}

/**
 * Finds every query that a text contains as whole words in a row, whatever the case, width and punctuation
 * (CLIP's and MetaCLIP's substring matching, at word borders). Keeps one map entry a query; a text costs one look-up
 * a word, and a few more where a query begins with that word. Fit for 500,000 queries and more.
 */
export class QueryMatcher {
  /** Folded words, joined by a space → queries as given. */
  private readonly queries = new Map<string, string | string[]>();
  /** First word → the longest query, in words, that begins with it. */
  private readonly longest = new Map<string, number>();

  constructor(queries: Iterable<string>) {
    for (const query of new Set(queries)) {
      const words = foldWords(query);
      const [first] = words;
      if (first === undefined) continue;
      const key = words.join(" ");
      const known = this.queries.get(key);
      if (known === undefined) this.queries.set(key, query);
      else if (typeof known === "string") this.queries.set(key, [known, query]);
      else known.push(query);
      this.longest.set(first, Math.max(this.longest.get(first) ?? 0, words.length));
    }
  }

  /** The queries in a text, each once, in order of first appearance. */
  match(text: string): string[] {
    const words = foldWords(text);
    const found = new Set<string>();
    for (let start = 0; start < words.length; start++) {
      const most = Math.min(this.longest.get(words[start]!) ?? 0, words.length - start);
      let key = "";
      for (let n = 0; n < most; n++) {
        key = n === 0 ? words[start]! : `${key} ${words[start + n]!}`;
        const queries = this.queries.get(key);
        if (queries === undefined) continue;
        if (typeof queries === "string") found.add(queries);
        else for (const query of queries) found.add(query);
      }
    }
    return [...found];
  }
}
