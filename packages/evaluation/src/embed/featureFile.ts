import { type FileHandle, open } from "node:fs/promises";
import type { FeatureTable } from "../featureTable.js";

/** Room for the header, which is written last: it says how many rows came. A multiple of 8, as the format advises. */
const headerBytes = 1024;

/**
 * Writes a safetensors file of features as they come, so that they need not be in memory: one tensor after the other,
 * float32 [N, E].
 */
export class FeatureFile {
  private readonly tensors: { name: string; width: number; rows: number }[] = [];
  private end = headerBytes;

  private constructor(private readonly handle: FileHandle) {}

  /** @param path must not be there */
  static async create(path: string): Promise<FeatureFile> {
    return new FeatureFile(await open(path, "wx"));
  }

  /** Begins the next tensor. */
  begin(name: string, width: number): void {
    this.tensors.push({ name, width, rows: 0 });
  }

  /** Adds rows to the tensor begun last. */
  async append({ rows, data }: FeatureTable): Promise<void> {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < bytes.length;)
      at += (await this.handle.write(bytes, at, bytes.length - at, this.end + at)).bytesWritten;
    this.end += bytes.length;
    this.tensors.at(-1)!.rows += rows;
  }

  /** Writes the header and syncs the file. */
  async finish(metadata: Readonly<Record<string, string>>): Promise<void> {
    let at = 0;
    const places = this.tensors.map(({ name, rows, width }) => {
      const start = at;
      at += rows * width * 4;
      return [name, { dtype: "F32", shape: [rows, width], data_offsets: [start, at] }];
    });
    const json = Buffer.from(
      JSON.stringify({ __metadata__: metadata, ...(Object.fromEntries(places) as object) }),
    );
    const header = Buffer.alloc(headerBytes, " ");
    header.writeBigUInt64LE(BigInt(headerBytes - 8), 0);
    if (json.copy(header, 8) < json.length) throw new RangeError("The metadata has no room in the header");
    await this.handle.write(header, 0, headerBytes, 0);
    await this.handle.sync();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
