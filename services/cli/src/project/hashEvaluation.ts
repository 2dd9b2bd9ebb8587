import { createHash } from "node:crypto";
import type { BarEntry } from "@pairloom/config";
import { hashingSettings } from "@pairloom/image";
import { openDecoders } from "@pairloom/image/decoders";
import { evaluationPictures, type EvaluationItem } from "./evaluationPictures.js";

export interface HashedEvaluation {
  entries: BarEntry[];
  pictures: number;
  /** Pictures that are compared by their bytes alone: too flat, or not decodable. */
  flat: number;
  unreadable: { from: string; reason: string }[];
}

const hash = /^[0-9a-f]{64}$/;

/** sha256 and PDQ hashes of the pictures of a folder or a tar, a few at once. @throws UserError where a tar is damaged */
export async function hashEvaluation(path: string, minQuality: number): Promise<HashedEvaluation> {
  const found: HashedEvaluation = { entries: [], pictures: 0, flat: 0, unreadable: [] };
  const decoders = openDecoders({ settings: hashingSettings(), tiff: true });
  const note = async (item: EvaluationItem): Promise<void> => {
    if ("sidecar" in item) {
      for (const kind of ["sha256", "pdq"] as const) {
        const value = item.sidecar[kind];
        if (typeof value === "string" && hash.test(value)) found.entries.push({ kind, value });
      }
      return;
    }
    found.pictures++;
    const image = await decoders.process(item.picture);
    const sha256 =
      image.status === "ok" ? image.sha256 : createHash("sha256").update(item.picture).digest("hex");
    found.entries.push({ kind: "sha256", value: sha256 });
    if (image.status === "failed") found.unreadable.push({ from: item.from, reason: image.reason });
    else if (image.pdq === null || (image.pdqQuality ?? 0) <= minQuality) found.flat++;
    else found.entries.push({ kind: "pdq", value: image.pdq });
  };
  try {
    const items = evaluationPictures(path);
    await Promise.all(
      Array.from({ length: decoders.picturesAtOnce }, async () => {
        // A generator answers several who ask at once one after the other.
        for (let next = await items.next(); next.done !== true; next = await items.next())
          await note(next.value);
      }),
    );
  } finally {
    await decoders.close();
  }
  return found;
}
