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
 * Six combinations that are crawled but kept out of training: one for each shape, each of another colour. So each shape
 * is learned from eight colours, and each colour from at least five shapes.
 */
export function heldOutCombinations(seed: number): Combination[] {
  const random = seededRandom(seed, "held-out");
  const colours = random.shuffled(demoColourNames);
  const shapes = random.shuffled(demoShapeNames);
  return shapes.map((shape, i) => ({ colour: colours[i] as Combination["colour"], shape }));
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
