import { stripVTControlCharacters } from "node:util";

/** What strangers wrote, as one line that gives a terminal no commands. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text).replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
