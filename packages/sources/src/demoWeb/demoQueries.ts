import { allCombinations, combinationName, demoBackgroundNames, demoShapes } from "./pictures/vocabulary.js";
import { seededRandom } from "./seededRandom.js";

/**
 * The demo's query list: every combination in the singular and the plural, small and large ones, and some grounds.
 * The first 54 alone reach every picture of the demo web.
 */
export function demoQueries(seed: number): string[] {
  const random = seededRandom(seed, "queries");
  return [
    ...allCombinations.map(combinationName),
    ...allCombinations.map(({ colour, shape }) => `${colour} ${demoShapes[shape]}`),
    ...allCombinations.map((combination) => `small ${combinationName(combination)}`),
    ...allCombinations.map((combination) => `large ${combinationName(combination)}`),
    ...random
      .shuffled(allCombinations)
      .map((combination) => `${combinationName(combination)} on ${random.pick(demoBackgroundNames)}`),
  ];
}

/** The file that ships as examples/demo-queries.txt. */
export function demoQueryFile(seed: number): string {
  const header = [
    "# The demo's query list: what `pairloom demo` asks its own small web for.",
    "# One query a line; lines that start with # are comments. Made by demoQueryFile(1) of @pairloom/sources.",
  ];
  return [...header, ...demoQueries(seed), ""].join("\n");
}
