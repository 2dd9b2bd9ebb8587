import { createHash } from "node:crypto";
import { UserError } from "@pairloom/config";
import { BlobNotFoundError, openStore, type Store } from "@pairloom/storage";
import { z } from "zod";
import { decodeTable, TableDamagedError } from "../parquet/table.js";
import { rejectedColumns } from "../release/planTables.js";
import type { ReleaseProblem } from "./problem.js";
import { checkSignature, type PictureCheck, type VerifiedShard, verifyShard } from "./verifyShard.js";

export interface VerifyOptions {
  /** Decodes a picture; without it only the first bytes are looked at. */
  checkPicture?: PictureCheck;
  onProgress?: (done: number, shards: number) => void;
}

export interface Verification {
  problems: ReleaseProblem[];
  shards: number;
  samples: number;
  rejected: number;
}

const sidecars = {
  "sizes.json": z.record(z.string(), z.int()),
  "index.json": z.looseObject({
    wids_version: z.literal(1),
    shardlist: z.array(
      z.looseObject({ url: z.string(), nsamples: z.int(), filesize: z.int(), md5sum: z.string() }),
    ),
  }),
  "datacard.json": z.looseObject({
    release: z.string(),
    candidates: z.int(),
    kept: z.int(),
    rejected: z.int(),
    shards: z.array(
      z.looseObject({ tar: z.string(), samples: z.int(), sha256: z.string(), parquetSha256: z.string() }),
    ),
    rejectedFiles: z.array(z.looseObject({ file: z.string(), rows: z.int(), sha256: z.string() })),
  }),
};
const statsSchema = z.looseObject({ count: z.int(), successes: z.int() });

/** Reads a JSON file of the release; null (and a problem) where it is missing or isn't what it should be. */
async function readJson<T>(
  store: Store,
  file: string,
  schema: z.ZodType<T>,
  report: (problem: ReleaseProblem) => void,
): Promise<T | null> {
  try {
    return schema.parse(JSON.parse((await store.get(file)).toString("utf8")));
  } catch (error) {
    if (error instanceof BlobNotFoundError) report({ kind: "missing", file, says: "it isn't there" });
    else report({ kind: "count", file, says: `it can't be read: ${(error as Error).message.slice(0, 200)}` });
    return null;
  }
}

/**
 * Checks a release folder wholly: the structure of every tar, pictures and texts paired, keys unique and in order,
 * records equal to the tables, hashes equal to the data card's, counts equal everywhere, kept + rejected = candidates.
 * Damage is listed, never thrown.
 * @throws UserError where there is no release at all
 */
export async function verifyRelease(
  place: string | Store,
  options: VerifyOptions = {},
): Promise<Verification> {
  const store = typeof place === "string" ? await openStore(place, { readOnly: true }) : place;
  const problems: ReleaseProblem[] = [];
  const report = (problem: ReleaseProblem) => void problems.push(problem);
  const there = new Set<string>();
  for await (const { name } of store.list("", { anyOrder: true })) there.add(name);
  const named = [...there].flatMap((file) => /^(\d{5,})\.(?:tar|parquet)$/.exec(file)?.[1] ?? []);
  if (named.length === 0 && !there.has("sizes.json") && !there.has("datacard.json")) {
    throw new UserError("no_release", `There is no release in ${store.url}`, {
      hint: "Name the folder that holds 00000.tar and sizes.json.",
    });
  }
  const sizes = await readJson(store, "sizes.json", sidecars["sizes.json"], report);
  const index = await readJson(store, "index.json", sidecars["index.json"], report);
  const card = await readJson(store, "datacard.json", sidecars["datacard.json"], report);
  for (const file of ["datacard.md", "README.md"]) {
    if (!there.has(file)) report({ kind: "missing", file, says: "it isn't there" });
  }
  const listed = [...Object.keys(sizes ?? {}), ...(card?.shards ?? []).map(({ tar }) => tar)];
  const names = [...new Set([...named, ...listed.map((tar) => tar.replace(/\.tar$/, ""))])].sort();

  const keys = new Set<string>();
  let samples = 0;
  for (const [i, name] of names.entries()) {
    const lacking = [".tar", ".parquet", "_stats.json"].filter((end) => !there.has(name + end));
    for (const end of lacking) report({ kind: "missing", file: name + end, says: "it isn't there" });
    if (!lacking.includes(".tar") && !lacking.includes(".parquet")) {
      const shard = await verifyShard(store, name, keys, options.checkPicture ?? checkSignature, report);
      samples += shard.rows.length;
      compareShard(name, shard, { sizes, index, card }, report);
      if (!lacking.includes("_stats.json")) {
        const file = `${name}_stats.json`;
        const stats = await readJson(store, file, statsSchema, report);
        if (stats !== null && (stats.count !== shard.rows.length || stats.successes !== shard.rows.length)) {
          report({
            kind: "count",
            file,
            says: `it counts ${stats.successes} of ${shard.rows.length} samples`,
          });
        }
      }
    }
    options.onProgress?.(i + 1, names.length);
  }

  const rejected = await verifyRejected(store, there, card?.rejectedFiles ?? [], report);
  if (card !== null) {
    const file = "datacard.json";
    if (card.kept !== samples)
      report({ kind: "count", file, says: `it says ${card.kept} kept, there are ${samples}` });
    if (card.rejected !== rejected) {
      report({ kind: "count", file, says: `it says ${card.rejected} rejected, there are ${rejected}` });
    }
    if (samples + rejected !== card.candidates) {
      const says = `${samples} kept + ${rejected} rejected are not the ${card.candidates} candidates`;
      report({ kind: "count", file, says });
    }
  }
  return { problems, shards: names.length, samples, rejected };
}

interface Sidecars {
  sizes: z.infer<(typeof sidecars)["sizes.json"]> | null;
  index: z.infer<(typeof sidecars)["index.json"]> | null;
  card: z.infer<(typeof sidecars)["datacard.json"]> | null;
}

/** Compares a shard with what every sidecar says of it. */
function compareShard(
  name: string,
  { info, rows, sha256, parquetSha256 }: VerifiedShard,
  { sizes, index, card }: Sidecars,
  report: (problem: ReleaseProblem) => void,
): void {
  const tar = `${name}.tar`;
  const counts: [string, number | undefined | null][] = [
    ["sizes.json", sizes === null ? null : sizes[tar]],
    ["index.json", index === null ? null : index.shardlist.find(({ url }) => url === tar)?.nsamples],
    ["datacard.json", card === null ? null : card.shards.find((shard) => shard.tar === tar)?.samples],
  ];
  for (const [file, count] of counts) {
    if (count === undefined) report({ kind: "unexpected", file: tar, says: `${file} doesn't list it` });
    else if (count !== null && count !== rows.length) {
      report({
        kind: "count",
        file,
        says: `it says ${count} samples for ${tar}, the parquet has ${rows.length}`,
      });
    }
  }
  if (info !== null && info.sha256 !== sha256) {
    report({ kind: "hash", file: tar, says: `its SHA-256 is not the one in ${name}.parquet` });
  }
  const listed = card?.shards.find((shard) => shard.tar === tar);
  if (listed !== undefined && listed.sha256 !== sha256) {
    report({ kind: "hash", file: tar, says: "its SHA-256 is not the one in datacard.json" });
  }
  if (listed !== undefined && listed.parquetSha256 !== parquetSha256) {
    report({ kind: "hash", file: `${name}.parquet`, says: "its SHA-256 is not the one in datacard.json" });
  }
  const wids = index?.shardlist.find(({ url }) => url === tar);
  if (wids !== undefined && info !== null && (wids.md5sum !== info.md5 || wids.filesize !== info.bytes)) {
    report({ kind: "hash", file: "index.json", says: `its hash or size of ${tar} is another` });
  }
}

async function verifyRejected(
  store: Store,
  there: ReadonlySet<string>,
  listed: readonly { file: string; rows: number; sha256: string }[],
  report: (problem: ReleaseProblem) => void,
): Promise<number> {
  let rows = 0;
  const known = new Map(listed.map((entry) => [entry.file, entry]));
  for (const file of known.keys()) {
    if (!there.has(file)) report({ kind: "missing", file, says: "it isn't there" });
  }
  for (const file of [...there].filter((name) => /^rejected\/.*\.parquet$/.test(name)).sort()) {
    const entry = known.get(file);
    const bytes = await store.get(file);
    if (entry === undefined) report({ kind: "unexpected", file, says: "datacard.json doesn't list it" });
    else if (entry.sha256 !== createHash("sha256").update(bytes).digest("hex")) {
      report({ kind: "hash", file, says: "its SHA-256 is not the one in datacard.json" });
    }
    try {
      const count = (await decodeTable(rejectedColumns, bytes)).rows.length;
      rows += count;
      if (entry !== undefined && entry.rows !== count) {
        report({ kind: "count", file, says: `it has ${count} rows of ${entry.rows}` });
      }
    } catch (error) {
      if (!(error instanceof TableDamagedError)) throw error;
      report({ kind: "parquet", file, says: error.message });
    }
  }
  return rows;
}
