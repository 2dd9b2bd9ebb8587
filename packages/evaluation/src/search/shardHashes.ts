import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Store } from "@pairloom/storage";
import { z } from "zod";
import { publishFile } from "../publishFile.js";

const knownSchema = z.record(
  z.string(),
  z.strictObject({ bytes: z.number(), modifiedMs: z.number().nullable(), sha256: z.string() }),
);

/**
 * What each shard holds, by its sha256. A shard is read again only where its size or time is another than when it was
 * last read; `shards.json` remembers.
 */
export class ShardHashes {
  private changed = false;

  private constructor(
    private readonly path: string,
    private readonly known: z.infer<typeof knownSchema>,
  ) {}

  static async open(folder: string): Promise<ShardHashes> {
    const path = join(folder, "shards.json");
    const text = await readFile(path, "utf8").catch(() => "{}");
    try {
      return new ShardHashes(path, knownSchema.parse(JSON.parse(text)));
    } catch {
      return new ShardHashes(path, {});
    }
  }

  async of(store: Store, name: string): Promise<string> {
    const local = store.localPath(name);
    const bytes = (await store.stat(name))?.bytes ?? 0;
    const modifiedMs = local === null ? null : (await stat(local)).mtimeMs;
    const old = this.known[name];
    if (old?.bytes === bytes && old.modifiedMs === modifiedMs) return old.sha256;
    const hash = createHash("sha256");
    for await (const chunk of await store.read(name)) hash.update(chunk as Buffer);
    const sha256 = hash.digest("hex");
    this.known[name] = { bytes, modifiedMs, sha256 };
    this.changed = true;
    return sha256;
  }

  async save(): Promise<void> {
    if (this.changed) await publishFile(this.path, [Buffer.from(`${JSON.stringify(this.known)}\n`)]);
  }
}
