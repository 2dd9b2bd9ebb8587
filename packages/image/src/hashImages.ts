import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hashingSettings } from "./hashingSettings.js";
import { processImage } from "./processImage.js";

/** Hashes of one file; `sha256` is null only where it can't be read, `pdq` where it is no picture. */
export interface ImageHashes {
  path: string;
  sha256: string | null;
  pdq: string | null;
  quality: number | null;
  /** Why there is no PDQ hash: a reason, or the code of the file system's error. */
  error: string | null;
}

/**
 * sha256 and PDQ hash of picture files, in the order given. A file that can't be read or decoded gives a row with
 * `error`. Needs `setupSharp()`.
 */
export async function* hashImages(paths: Iterable<string>): AsyncGenerator<ImageHashes> {
  const settings = hashingSettings();
  for (const path of paths) {
    let bytes: Buffer;
    try {
      bytes = await readFile(path);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
      yield { path, sha256: null, pdq: null, quality: null, error: code };
      continue;
    }
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const image = await processImage(bytes, settings);
    yield image.status === "ok"
      ? { path, sha256, pdq: image.pdq, quality: image.pdqQuality, error: null }
      : { path, sha256, pdq: null, quality: null, error: image.reason };
  }
}
