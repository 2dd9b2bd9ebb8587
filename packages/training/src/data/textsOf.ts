import type { ShardSample } from "@pairloom/shards";

/** Every text of a sample, each once: its caption first, then the texts of its sidecar (`texts[].text`). */
export function textsOf({ text, json }: ShardSample): string[] {
  const texts = new Set<string>([text.trim()]);
  const described: unknown = json?.["texts"];
  if (Array.isArray(described)) {
    for (const item of described as unknown[]) {
      const other = (item as { text?: unknown } | null)?.text;
      if (typeof other === "string" && other.trim() !== "") texts.add(other.trim());
    }
  }
  return [...texts];
}
