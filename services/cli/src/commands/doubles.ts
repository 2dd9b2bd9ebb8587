import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UserError } from "@pairloom/config";
import type { Command } from "commander";
import { newFile, writeParts } from "../project/newFile.js";
import { createSay } from "../terminal/say.js";
import { jsonOption, wholeNumber } from "./options.js";
import { pdqRadius } from "./releaseOptions.js";

interface DoublesOptions {
  out: string;
  radius: number;
  minQuality: number;
  id?: string;
  json?: boolean;
}

/** `pairloom doubles`: near duplicates among the rows of parquet files. */
export function addDoublesCommand(program: Command): void {
  program
    .command("doubles")
    .description("every pair of near duplicates among the rows of parquet files with a column pdq")
    .argument("<parquet...>", "files, or folders of them: segments, a release, tables of your own")
    .requiredOption("--out <file>", "parquet of the pairs: a, b, distance")
    .option("--radius <n>", "PDQ distance of near duplicates", pdqRadius, 31)
    .option("--min-quality <n>", "hashes of this quality and below are left out", wholeNumber(0), 49)
    .option("--id <column>", "what names a row (default: candidate_id, key or url)")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ pairloom doubles data/segments --out pairs.parquet\n")
    .action(async (given: string[], { out, json, ...options }: DoublesOptions) => {
      const { encodeTable } = await import("@pairloom/shards");
      const { findDoubles, pairColumns } = await import("../project/findDoubles.js");
      const paths = (await Promise.all(given.map(parquetFiles))).flat();
      const { rows, compared, pairs } = await findDoubles(paths, options);
      await newFile(resolve(out), (beside) => writeParts(beside, [encodeTable(pairColumns, pairs)]));
      createSay(json ?? false).result(
        { rows, compared, pairs: pairs.length, out: resolve(out) },
        `${pairs.length} pairs among ${compared} hashes (of ${rows} rows): ${out}`,
      );
    });
}

async function parquetFiles(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
  } catch (cause) {
    throw new UserError("parquet_missing", `There is no ${path}`, { cause });
  }
  const files = (await readdir(path)).filter((name) => name.endsWith(".parquet")).sort();
  if (files.length === 0) throw new UserError("parquet_missing", `There is no parquet file in ${path}`);
  return files.map((name) => join(path, name));
}
