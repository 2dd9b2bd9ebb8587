import { Buffer } from "node:buffer";

/** Orders strings by their UTF-8 bytes: the same everywhere, whatever the locale. */
export const compareBytes = (a: string, b: string): number =>
  a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
