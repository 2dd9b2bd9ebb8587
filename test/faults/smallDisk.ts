import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";

const block = Buffer.alloc(1 << 20, "x");

/** A file system of a few megabytes that can be filled at any moment and freed again. */
export class SmallDisk {
  readonly #filler: string;
  #topUp: NodeJS.Timeout | null = null;

  private constructor(readonly path: string) {
    this.#filler = join(path, "filler");
  }

  /** Mounts a tmpfs at a new folder; null where this process may not mount (it needs root, or CAP_SYS_ADMIN). */
  static mount(path: string, megabytes: number): SmallDisk | null {
    mkdirSync(path, { recursive: true });
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path], { stdio: "pipe" });
      return new SmallDisk(path);
    } catch {
      return null;
    }
  }

  get isFull(): boolean {
    return this.#topUp !== null;
  }

  /** Fills it but for `room` bytes, then what was left and what others give back, again and again until `free`. */
  fill(room: number): void {
    this.#grow();
    truncateSync(this.#filler, Math.max(0, statSync(this.#filler).size - room));
    this.#topUp ??= setInterval(() => this.#grow(), 100);
  }

  free(): void {
    if (this.#topUp !== null) clearInterval(this.#topUp);
    this.#topUp = null;
    rmSync(this.#filler, { force: true });
  }

  unmount(): void {
    this.free();
    execFileSync("umount", ["-l", this.path]);
  }

  /** Appends until nothing goes in any more. */
  #grow(): void {
    const handle = openSync(this.#filler, "a");
    try {
      for (let length = block.length; length >= 4096;) {
        try {
          if (writeSync(handle, block, 0, length) < length) length >>= 1;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
          length >>= 1;
        }
      }
    } finally {
      closeSync(handle);
    }
  }
}
