import type { DecodedPicture } from "./decodedPicture.js";

/** A pair on its way into a batch. Every thread reads it as it is: pictures that are kept are views of shared memory. */
export interface Sample {
  key: string;
  /** What a training may choose from: the caption first. */
  texts: readonly string[];
  /** Pixels, or the bytes of a file. */
  picture: DecodedPicture | Uint8Array;
}
