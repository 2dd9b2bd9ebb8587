import { UserError } from "@pairloom/config/errors";

/** A file of a segment is damaged or missing: what it held can't be used, everything else can. */
export class CorruptSegmentError extends UserError {
  /** @param file name in the store */
  constructor(
    readonly segment: string,
    readonly file: string,
    storeUrl: string,
    why: string,
    cause?: unknown,
  ) {
    super("segment_corrupt", `${file} in ${storeUrl} is damaged: ${why}`, {
      hint:
        "Put the file back from a copy. Without one, run `pairloom up --mend`: it sets the file aside, and what it held " +
        "is fetched (or judged) anew.",
      cause,
    });
    this.name = "CorruptSegmentError";
  }
}
