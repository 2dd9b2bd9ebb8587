import { z } from "zod";

/** Something that is wrong with a folder of shards: what kind of thing, where, and what it says. */
export interface ReleaseProblem {
  kind:
    | "missing" // a file that another one names isn't there
    | "unexpected" // a file that nothing names
    | "hash" // the bytes aren't those that were published
    | "tar" // the structure of a tar
    | "pairing" // a sample without its picture, text or record, or members of one key apart
    | "key" // a key twice, or out of order, or of another shard
    | "record" // KEY.json, KEY.txt and the parquet's row don't tell the same
    | "picture" // the picture can't be used
    | "parquet" // a table that can't be read
    | "count"; // numbers that don't fit each other
  file: string;
  /** The sample; null where it is none's alone. */
  key: string | null;
  says: string;
}

export type Report = (kind: ReleaseProblem["kind"], file: string, says: string, key?: string) => void;

/** Why a file of JSON can't be used, in one line. */
export function whyUnreadable(error: unknown): string {
  const says =
    error instanceof z.ZodError
      ? error.issues
          .map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": "))
          .join("; ")
      : (error as Error).message;
  return `it can't be read: ${says.replaceAll(/\s+/g, " ").slice(0, 200)}`;
}

/** The first problems by name, and how many there are. */
export class ProblemList {
  readonly problems: ReleaseProblem[] = [];
  found = 0;

  constructor(private readonly listed = 10_000) {}

  readonly report: Report = (kind, file, says, key) => {
    this.found++;
    if (this.problems.length < this.listed) this.problems.push({ kind, file, key: key ?? null, says });
  };
}
