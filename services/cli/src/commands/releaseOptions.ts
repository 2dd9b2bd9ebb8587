import { resolve } from "node:path";
import { type BarListPaths, type ReleaseSettings, releaseSettings } from "@pairloom/config";
import { type Command, InvalidArgumentError } from "commander";
import { wholeNumber } from "./options.js";

/** What shapes a release on the command line; what is not given stays as the project has it. */
export interface ReleaseShape {
  samplesPerShard?: number;
  maxPairsPerQuery?: number;
  maxCaptionRepeats?: number;
  seed?: number;
  radius?: number;
  blocklistRadius?: number;
  decontaminateRadius?: number;
  url: boolean;
  bytes: boolean;
  near: boolean;
  pairs: boolean;
  placeholders: boolean;
  blocklist?: string[];
  decontaminate?: string[];
}

export function addReleaseOptions(command: Command): Command {
  return command
    .option("--samples-per-shard <n>", "samples in one shard", wholeNumber(1))
    .option("--max-pairs-per-query <n>", "pairs kept for one query", wholeNumber(1))
    .option("--max-caption-repeats <n>", "pairs kept with one caption", wholeNumber(1))
    .option("--seed <n>", "seed of the hash that fills the caps", wholeNumber(0))
    .option("--blocklist <file...>", "hashes, hosts and URLs that must not be released (docs/dedupe.md)")
    .option(
      "--decontaminate <folder|tar|hashlist...>",
      "evaluation sets whose pictures, and what looks like them, must not be released",
    )
    .option("--decontaminate-radius <n>", "PDQ distance to an evaluation picture (default: 31)", pdqRadius)
    .option("--blocklist-radius <n>", "PDQ distance to a blocked picture (default: 31)", pdqRadius)
    .option("--radius <n>", "PDQ distance of near duplicates (default: 31)", pdqRadius)
    .option("--no-url", "keep rows of one canonical URL apart, where they were fetched apart")
    .option("--no-bytes", "don't merge pictures with the same bytes")
    .option("--no-near", "don't merge near duplicates")
    .option("--no-pairs", "don't merge the same picture with the same caption")
    .option("--no-placeholders", "don't drop one picture behind many unrelated URLs");
}

/** The project's settings with what the command line says. */
export function releaseSettingsOf(project: ReleaseSettings, shape: ReleaseShape): ReleaseSettings {
  const { samplesPerShard, maxPairsPerQuery, maxCaptionRepeats, seed } = shape;
  const { radius, blocklistRadius, decontaminateRadius } = shape;
  const off = (["url", "bytes", "near", "pairs", "placeholders"] as const).filter((layer) => !shape[layer]);
  return releaseSettings.parse({
    ...project,
    ...given({ samplesPerShard, maxPairsPerQuery, maxCaptionRepeats, seed }),
    dedupe: {
      ...project.dedupe,
      ...given({ radius, blocklistRadius, decontaminateRadius }),
      ...Object.fromEntries(off.map((layer) => [layer, false])),
    },
  });
}

/** The project's lists and those of the command line, which lie where the command was given. */
export function listsOf(project: BarListPaths, { blocklist, decontaminate }: ReleaseShape): BarListPaths {
  const here = (paths: string[] = []): string[] => paths.map((path) => resolve(path));
  return {
    blocklist: [...project.blocklist, ...here(blocklist)],
    decontaminate: [...project.decontaminate, ...here(decontaminate)],
  };
}

function given<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Parses a PDQ distance at which no pair can be missed. */
export function pdqRadius(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isInteger(value) || value < 0 || value > 31)
    throw new InvalidArgumentError(`expected a whole number from 0 to 31, got ${JSON.stringify(text)}`);
  return value;
}
