import { type Candidate, candidateSchema, UserError } from "@pairloom/config";
import { BlobNotFoundError, publishLines, readLines, type Store } from "@pairloom/storage";

/** The name of a candidates file. */
export const candidatesFile = (id: string): string => `candidates/${id}.jsonl.gz`;

/** Publishes candidates as gzip'd JSON lines. @throws DiskFullError */
export async function writeCandidates(
  store: Store,
  id: string,
  candidates: readonly Candidate[],
): Promise<"published" | "exists"> {
  return publishLines(store, candidatesFile(id), candidates);
}

/**
 * Candidates `from` (inclusive) to `to` (exclusive) of a file; every line of it is checked.
 * @throws UserError naming the file and the line where it is damaged; BlobNotFoundError
 */
export async function readCandidates(
  store: Store,
  id: string,
  from = 0,
  to = Number.POSITIVE_INFINITY,
): Promise<Candidate[]> {
  try {
    const all = await readLines(store, candidatesFile(id), (value) => candidateSchema.parse(value));
    return all.slice(from, to);
  } catch (cause) {
    if (cause instanceof BlobNotFoundError) throw cause;
    throw new UserError("candidates_corrupt", (cause as Error).message, {
      hint: "Put the file back from a copy. Without one, run `pairloom up --mend`: the pages it came from are read again.",
      cause,
    });
  }
}
