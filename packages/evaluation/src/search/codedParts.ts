import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensorsFile, readSafetensorsHeader, safetensorsParts } from "@pairloom/clip";
import { publishFile } from "../publishFile.js";
import { codeRows } from "./int8Codes.js";
import type { IndexPart } from "./indexPart.js";
import type { RowSlice } from "./rowSlice.js";

type CodedPlaces = NonNullable<RowSlice["coded"]>;

/** Where a part's rows lie in 8 bits, in a file beside it; made from the half-precision ones where it is missing. */
export async function codedPart(folder: string, part: IndexPart): Promise<CodedPlaces> {
  const path = join(folder, part.name.replace(/\.safetensors$/, ".int8"));
  const known = await placesOf(path, part);
  if (known !== null) return known;
  const features = (await readSafetensorsFile(part.path, new Set(["features"]))).get("features")!;
  const [rows, width] = features.shape as [number, number];
  const { codes, scales, residuals } = codeRows(features.data as Float32Array, width);
  const tensors = safetensorsParts(
    new Map([
      ["scales", { dtype: "F32" as const, shape: [rows], data: scales }],
      ["residuals", { dtype: "F32" as const, shape: [rows], data: residuals }],
      ["codes", { dtype: "I8" as const, shape: [rows, width], data: codes }],
    ]),
    { part: identityOf(part) },
  );
  await publishFile(path, tensors);
  return (await placesOf(path, part))!;
}

/** Removes 8-bit files whose part is gone. */
export async function removeStrayCodes(folder: string): Promise<void> {
  const names = new Set(await readdir(folder));
  for (const name of names)
    if (name.endsWith(".int8") && !names.has(name.replace(/\.int8$/, ".safetensors")))
      await rm(join(folder, name), { force: true });
}

const identityOf = ({ shard, sha256, start, next, rows }: IndexPart): string =>
  JSON.stringify([shard, sha256, start, next, rows]);

async function placesOf(path: string, part: IndexPart): Promise<CodedPlaces | null> {
  try {
    const { tensors, metadata } = await readSafetensorsHeader(path);
    if (metadata.get("part") !== identityOf(part)) return null;
    const at = (name: string) => ({ path, start: tensors.get(name)!.start });
    return { codes: at("codes"), scales: at("scales"), residuals: at("residuals") };
  } catch {
    return null;
  }
}
