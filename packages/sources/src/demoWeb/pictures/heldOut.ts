import type { HoldOutRule } from "@pairloom/config";
import { seededRandom } from "../seededRandom.js";
import {
  type Combination,
  combinationName,
  demoColourNames,
  demoShapeNames,
  demoShapes,
} from "./vocabulary.js";

/**
 * Ten combinations that are crawled but kept out of training: one for each colour and shape, and two more.
 * No colour and no shape loses more than two, so each of the words is learned from at least six others.
 */
export function heldOutCombinations(seed: number): Combination[] {
  const random = seededRandom(seed, "held-out");
  const colours = random.shuffled(demoColourNames);
  const shapes = random.shuffled(demoShapeNames);
  return Array.from({ length: 10 }, (_, i) => ({
    colour: colours[i % 8] as Combination["colour"],
    // the ninth and tenth are the first two colours with their neighbours' shapes, so no cell comes twice
    shape: shapes[i < 8 ? i : i - 7] as Combination["shape"],
  }));
}

/** The regular expression that finds a combination in a text, singular or plural. */
export function combinationPattern({ colour, shape }: Combination): string {
  return `\\b${colour}\\s+(?:${shape}|${demoShapes[shape]})\\b`;
}

/** Release rules that keep the held-out combinations out of training: any text that names one matches. */
export function holdOutRules(seed: number): HoldOutRule[] {
  return heldOutCombinations(seed).map((combination) => ({
    name: combinationName(combination),
    pattern: combinationPattern(combination),
  }));
}
