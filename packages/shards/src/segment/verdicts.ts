import type { Verdict } from "@pairloom/config";
import type { Store } from "@pairloom/storage";
import { column, decodeTable, encodeTable, TableDamagedError } from "../parquet/table.js";
import { CorruptSegmentError } from "./corruptSegmentError.js";
import { segmentFile } from "./writeSegment.js";

const col = column<Verdict>;
const columns = [
  col("candidateId", "string", "candidate_id"),
  col("kept", "boolean"),
  col("reason", "string?"),
  col("duplicateOf", "string?", "duplicate_of"),
];

/** The name of a segment's verdicts. */
export const verdictsFile = (id: string): string => segmentFile(id).replace("segments/", "verdicts/");

/** Publishes the provisional verdicts on a segment's rows. @throws DiskFullError */
export async function writeVerdicts(
  store: Store,
  id: string,
  verdicts: readonly Verdict[],
): Promise<"published" | "exists"> {
  return store.publish(verdictsFile(id), encodeTable(columns, verdicts));
}

/** The verdicts on a segment's rows. @throws CorruptSegmentError, BlobNotFoundError */
export async function readVerdicts(store: Store, id: string): Promise<Verdict[]> {
  const bytes = await store.get(verdictsFile(id));
  try {
    return (await decodeTable(columns, bytes)).rows;
  } catch (cause) {
    if (!(cause instanceof TableDamagedError)) throw cause;
    throw new CorruptSegmentError(id, verdictsFile(id), store.url, cause.message, cause);
  }
}
