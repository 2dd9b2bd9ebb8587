import { tidyText, usableText } from "@pairloom/dedupe/usableText";
import type { ShardSample } from "@pairloom/shards";

/** Kinds that speak of the page rather than of the picture: they may become a caption where nothing better is there. */
const aboutThePage: ReadonlySet<unknown> = new Set(["page_title", "og"]);
const minCharacters = 5;

/**
 * The texts of a sample that a training may use, each once: its caption first, then those of its sidecar (`texts[]`)
 * that describe the picture. File names and boilerplate stay in the release but teach nothing.
 */
export function textsOf({ text, json }: ShardSample): string[] {
  const texts = new Set<string>([text.trim()]);
  const described: unknown = json?.["texts"];
  if (Array.isArray(described)) {
    for (const item of described as unknown[]) {
      const { kind, text: other } = (item ?? {}) as { kind?: unknown; text?: unknown };
      if (typeof other !== "string" || aboutThePage.has(kind)) continue;
      const tidy = tidyText(other);
      if (usableText(tidy, minCharacters)) texts.add(tidy);
    }
  }
  return [...texts];
}
