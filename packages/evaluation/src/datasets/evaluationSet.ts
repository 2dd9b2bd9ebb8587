import type { LeftOut } from "./leftOut.js";

/** A picture, still encoded, and the number of its class. */
export interface LabelledPicture {
  image: Uint8Array;
  /** Where it stands, for messages. */
  from: string;
  label: number;
}

/** A picture, still encoded, and the texts that belong to it. */
export interface CaptionedPicture {
  image: Uint8Array;
  /** Where it stands, for messages. */
  from: string;
  captions: string[];
}

export interface LabelledSet {
  /** By the number of the class; null where the data have numbers alone. */
  classes: string[] | null;
  /** Prompts that come with the data. */
  templates: string[] | null;
  /** How the data were read where they could be read otherwise, for people. */
  notes?: string[];
  /** Read once. */
  pictures: AsyncIterable<LabelledPicture>;
  /** Complete when all pictures have been read. */
  leftOut: LeftOut;
}

export interface CaptionedSet {
  /** Read once. */
  pictures: AsyncIterable<CaptionedPicture>;
  /** Complete when all pictures have been read. */
  leftOut: LeftOut;
}
