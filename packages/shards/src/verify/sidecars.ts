import { barListRef } from "@pairloom/config";
import { BlobNotFoundError, type Store } from "@pairloom/storage";
import { z } from "zod";
import { isCardWhole } from "../release/cardPages.js";
import { type Report, whyUnreadable } from "./problem.js";

const schemas = {
  "sizes.json": z.record(z.string(), z.int()),
  "index.json": z.looseObject({
    name: z.string().optional(),
    wids_version: z.literal(1),
    shardlist: z.array(
      z.looseObject({ url: z.string(), nsamples: z.int(), filesize: z.int(), md5sum: z.string() }),
    ),
  }),
  "datacard.json": z.looseObject({
    name: z.string(),
    release: z.string(),
    candidates: z.int(),
    kept: z.int(),
    rejected: z.int(),
    samplesPerShard: z.int(),
    counts: z.looseObject({
      reason: z.record(z.string(), z.int()),
      source: z.record(z.string(), z.int()),
      licence: z.record(z.string(), z.int()),
      language: z.record(z.string(), z.int()),
      query: z.record(z.string(), z.int()),
    }),
    queries: z.int(),
    pictures: z.array(z.string()),
    shards: z.array(
      z.looseObject({
        tar: z.string(),
        samples: z.int(),
        bytes: z.int(),
        sha256: z.string(),
        parquetSha256: z.string(),
      }),
    ),
    rejectedFiles: z.array(z.looseObject({ file: z.string(), rows: z.int(), sha256: z.string() })),
    settings: z.unknown(),
    // Releases of before there were lists have none; those of a repair may not know.
    lists: z.array(barListRef).nullable().default([]),
    pages: z.record(z.string(), z.string()).optional(),
    cardSha256: z.string().optional(),
  }),
};
export type SidecarName = keyof typeof schemas;
export type Sidecar<Name extends SidecarName> = z.infer<(typeof schemas)[Name]>;

/** The sidecars of a whole folder; null where one isn't there or can't be used. */
export type Sidecars = { [Name in SidecarName]: Sidecar<Name> | null } & {
  /** Whether the data card has the hash that it records of itself; null where it records none. */
  cardWhole: boolean | null;
};

/** @param missing what to do where one isn't there: report it, or let it be */
export async function readSidecars(
  store: Store,
  report: Report,
  missing: "report" | "ignore",
): Promise<Sidecars> {
  let cardWhole: boolean | null = null;
  const read = async <Name extends SidecarName>(file: Name): Promise<Sidecar<Name> | null> => {
    try {
      const value: unknown = JSON.parse((await store.get(file)).toString("utf8"));
      const sidecar = schemas[file].parse(value) as Sidecar<Name>;
      if (file === "datacard.json") cardWhole = isCardWhole(value as object);
      return sidecar;
    } catch (error) {
      if (!(error instanceof BlobNotFoundError)) report("count", file, whyUnreadable(error));
      else if (missing === "report") report("missing", file, "it isn't there");
      return null;
    }
  };
  const sidecars = {
    "sizes.json": await read("sizes.json"),
    "index.json": await read("index.json"),
    "datacard.json": await read("datacard.json"),
  };
  if (cardWhole === false) report("hash", "datacard.json", "it is not as it was written");
  return { ...sidecars, cardWhole };
}

/** The tars that the sidecars name. */
export const listedTars = (sidecars: Sidecars): string[] => [
  ...Object.keys(sidecars["sizes.json"] ?? {}),
  ...(sidecars["index.json"]?.shardlist ?? []).map(({ url }) => url),
  ...(sidecars["datacard.json"]?.shards ?? []).map(({ tar }) => tar),
];

/** Compares what the sidecars say of a shard with what it is. */
export function compareShard(
  shard: { tar: string; samples: number; bytes: number; md5: string },
  sidecars: Sidecars,
  report: Report,
): void {
  const { tar, samples, bytes, md5 } = shard;
  const { "sizes.json": sizes, "index.json": index, "datacard.json": card } = sidecars;
  const wids = index?.shardlist.find(({ url }) => url === tar);
  const counts: [SidecarName, number | undefined | null][] = [
    ["sizes.json", sizes === null ? null : sizes[tar]],
    ["index.json", index === null ? null : wids?.nsamples],
    ["datacard.json", card === null ? null : card.shards.find((one) => one.tar === tar)?.samples],
  ];
  for (const [file, count] of counts) {
    if (count === undefined) report("unexpected", tar, `${file} doesn't list it`);
    else if (count !== null && count !== samples)
      report("count", file, `it says ${count} samples for ${tar}, there are ${samples}`);
  }
  if (wids !== undefined && (wids.md5sum !== md5 || wids.filesize !== bytes))
    report("hash", "index.json", `its hash or size of ${tar} is another`);
}
