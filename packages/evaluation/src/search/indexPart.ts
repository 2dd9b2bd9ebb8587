import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensorsHeader, safetensorsParts, type TensorPlace } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import { publishFile } from "../publishFile.js";
import type { SearchKind } from "./indexRecord.js";

/** What is kept of a sample beside its features. */
export interface IndexedSample {
  key: string;
  shard: string;
  text: string;
  /** The picture's address, where the release has it. */
  url: string | null;
  /** Byte of the shard where the sample begins. */
  offset: number;
}

/** A stretch of a shard that is embedded, published as one file, so that no more than it is lost when a run is stopped. */
export interface PartFacts {
  shard: string;
  /** Of the shard: features of other bytes are not this part. */
  sha256: string;
  /** Byte of the shard where the part begins; what is there before belongs to other parts. */
  start: number;
  /** Byte of the shard where the next part begins; null: the shard ends with this one. */
  next: number | null;
  /** Samples that could not be read. */
  skipped: number;
}

/** A published part, not read yet: its features are [rows, E] in half precision. */
export interface IndexPart extends PartFacts {
  name: string;
  path: string;
  rows: number;
  /** Bytes of the file where each begins. */
  featuresAt: number;
  sampleEndsAt: number;
  samplesAt: number;
}

export const partName = (kind: SearchKind, shard: string, block: number): string =>
  `${kind}-${shard.replace(/\.tar$/, "")}-${String(block).padStart(5, "0")}.safetensors`;

/** Publishes a part: features, and the samples as lines of JSON with their ends. */
export async function publishPart(
  path: string,
  facts: PartFacts,
  features: { data: Float32Array; width: number },
  samples: readonly IndexedSample[],
): Promise<void> {
  const lines = samples.map((sample) => Buffer.from(`${JSON.stringify(sample)}\n`));
  let end = 0;
  const ends = Uint32Array.from(lines, (line) => (end += line.length));
  const rows = samples.length;
  const tensors = safetensorsParts(
    new Map([
      ["features", { dtype: "F16" as const, shape: [rows, features.width], data: features.data }],
      ["sample_ends", { dtype: "U32" as const, shape: [rows], data: ends }],
      ["samples", { dtype: "U8" as const, shape: [end], data: Buffer.concat(lines) }],
    ]),
    { facts: JSON.stringify(facts) },
  );
  await publishFile(path, tensors);
}

/** @returns null where there is no such part, or a damaged one */
export async function readPart(folder: string, name: string): Promise<IndexPart | null> {
  const path = join(folder, name);
  try {
    const { tensors, metadata } = await readSafetensorsHeader(path);
    const [features, ends, samples] = ["features", "sample_ends", "samples"].map((key) => tensors.get(key)!);
    const facts = JSON.parse(metadata.get("facts")!) as PartFacts;
    const places = {
      featuresAt: startOf(features),
      sampleEndsAt: startOf(ends),
      samplesAt: startOf(samples),
    };
    return { ...facts, name, path, rows: features!.shape[0]!, ...places };
  } catch {
    return null;
  }
}

const startOf = (place: TensorPlace | undefined): number => place!.start;

/** The parts of an index in the order of the release. @throws UserError "index_damaged" */
export async function listParts(folder: string, kind: SearchKind): Promise<IndexPart[]> {
  const names = (await readdir(folder)).filter((name) => isPartName(name, kind)).sort();
  const parts: IndexPart[] = [];
  for (const name of names) {
    const part = await readPart(folder, name);
    if (part === null)
      throw new UserError("index_damaged", `${join(folder, name)} is damaged`, {
        hint: "Delete it: what it held is embedded again by the next search.",
      });
    parts.push(part);
  }
  return parts;
}

export const isPartName = (name: string, kind: SearchKind): boolean =>
  name.startsWith(`${kind}-`) && name.endsWith(".safetensors");

/** The samples of rows of a part. */
export async function readSamples(part: IndexPart, rows: readonly number[]): Promise<IndexedSample[]> {
  const handle = await open(part.path, "r");
  const read = async (start: number, bytes: number) =>
    (await handle.read(Buffer.alloc(bytes), 0, bytes, start)).buffer;
  try {
    const ends = await read(part.sampleEndsAt, part.rows * 4);
    const samples: IndexedSample[] = [];
    for (const row of rows) {
      const from = row === 0 ? 0 : ends.readUInt32LE((row - 1) * 4);
      const line = await read(part.samplesAt + from, ends.readUInt32LE(row * 4) - from);
      samples.push(JSON.parse(line.toString("utf8")) as IndexedSample);
    }
    return samples;
  } finally {
    await handle.close();
  }
}
