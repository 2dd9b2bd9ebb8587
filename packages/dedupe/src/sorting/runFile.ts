import { Buffer } from "node:buffer";
import { type FileHandle, open } from "node:fs/promises";
import type { AnyIterable } from "./streams.js";

/** Characters of JSON a block: many runs are read at once, and each holds a block. */
const blockCharacters = 1 << 17;

/** Writes a run: blocks of JSON lines, each behind its length (32 bits, little endian). */
export class RunWriter<T> {
  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
  ) {}

  static async open<T>(path: string): Promise<RunWriter<T>> {
    return new RunWriter(path, await open(path, "wx"));
  }

  /** @throws Error ENOSPC */
  async write(records: AnyIterable<T>): Promise<void> {
    let lines: string[] = [];
    let characters = 0;
    for await (const record of records) {
      const line = JSON.stringify(record);
      lines.push(line);
      characters += line.length;
      if (characters < blockCharacters) continue;
      await this.#writeBlock(lines);
      [lines, characters] = [[], 0];
    }
    if (lines.length > 0) await this.#writeBlock(lines);
  }

  async #writeBlock(lines: readonly string[]): Promise<void> {
    const text = lines.join("\n");
    const block = Buffer.allocUnsafe(4 + Buffer.byteLength(text));
    block.writeUInt32LE(block.length - 4);
    block.write(text, 4);
    await this.file.appendFile(block);
  }

  /** May be called again. */
  close(): Promise<void> {
    return this.file.close();
  }
}

/** The records of a run, block by block. */
export async function* readRun<T>(path: string): AsyncGenerator<T[], void> {
  const file = await open(path, "r");
  try {
    const head = Buffer.alloc(4);
    for (let at = 0; ;) {
      const { bytesRead } = await file.read(head, 0, 4, at);
      if (bytesRead === 0) return;
      const body = Buffer.allocUnsafe(head.readUInt32LE());
      const { bytesRead: got } = await file.read(body, 0, body.length, at + 4);
      if (bytesRead < 4 || got < body.length) throw new Error(`${path} ends in the middle of a block`);
      at += 4 + body.length;
      yield body
        .toString()
        .split("\n")
        .map((line) => JSON.parse(line) as T);
    }
  } finally {
    await file.close();
  }
}
