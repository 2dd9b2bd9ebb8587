import type { Buffer } from "node:buffer";

/** A member of a tar. Its data are a view of the chunk in which they came, made when it is first asked for. */
export class TarEntry {
  private view: Buffer | null = null;

  /**
   * @param offset where its first header (a pax or long-name one included) begins in the tar
   * @param dataOffset where its data begin in the tar
   * @param chunk holds the data, …
   * @param at … from here on
   * @param size bytes of data
   */
  constructor(
    readonly name: string,
    readonly offset: number,
    readonly dataOffset: number,
    readonly chunk: Buffer,
    readonly at: number,
    readonly size: number,
  ) {}

  get data(): Buffer {
    return (this.view ??= this.chunk.subarray(this.at, this.at + this.size));
  }
}
