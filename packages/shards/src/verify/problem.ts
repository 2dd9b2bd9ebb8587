/** Something wrong with a release. */
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
  says: string;
}
