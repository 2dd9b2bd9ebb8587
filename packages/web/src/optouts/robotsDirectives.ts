/** Directives that keep an image out, unless the settings name others. `none` is noindex and nofollow. */
export const defaultOptOutDirectives = ["noai", "noimageai", "noindex", "noimageindex", "none"] as const;

/** Directives with a value after a colon: not an agent's name. */
const valued = new Set(["unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"]);

/**
 * The directives of X-Robots-Tag header values (or a meta robots content) that speak to us, in lower case. "bot: noai"
 * speaks to bot alone, until the next name in the same value; "unavailable_after: …" and its like are no names.
 *
 * @param agents lower-case tokens that count as ours
 */
export function robotsDirectives(values: string | readonly string[], agents: ReadonlySet<string>): string[] {
  const found = new Set<string>();
  for (const value of typeof values === "string" ? [values] : values) {
    let addressed = true;
    for (const part of value.split(",")) {
      const [, name, rest] = /^\s*([A-Za-z0-9_*-]+)\s*:\s*(.*)$/s.exec(part) ?? [];
      let directive = part;
      if (name !== undefined && rest !== undefined) {
        if (valued.has(name.toLowerCase())) continue;
        addressed = name === "*" || agents.has(name.toLowerCase());
        directive = rest;
      }
      for (const word of directive.toLowerCase().split(/[\s;]+/))
        if (addressed && word !== "") found.add(word);
    }
  }
  return [...found];
}
