import { textsOf } from "@pairloom/training";
import { type LabelRule, labelRules } from "../labelRules.js";
import type { LabelledPicture, LabelledSet } from "./evaluationSet.js";
import { LeftOut } from "./leftOut.js";
import { releaseShards } from "./releaseShards.js";

/** A release's pictures by classes that its texts name: those that exactly one rule matches. */
export async function labelledRelease(place: string, rules: readonly LabelRule[]): Promise<LabelledSet> {
  const labelOf = labelRules(rules);
  const leftOut = new LeftOut();
  const reader = await releaseShards(place, leftOut);
  async function* pictures(): AsyncGenerator<LabelledPicture> {
    for await (const sample of reader) {
      const label = labelOf(textsOf(sample));
      if (label === null) leftOut.add("texts that name no class, or several", sample.key);
      else yield { image: sample.image, label, from: sample.key };
    }
  }
  return { classes: rules.map(({ name }) => name), templates: null, pictures: pictures(), leftOut };
}

/** A name as a word of its own, whatever its case. */
export function ruleOfName(name: string): LabelRule {
  const literal = name.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  return { name, pattern: `(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])` };
}
