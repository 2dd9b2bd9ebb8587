import { randomBytes } from "node:crypto";
import { linkSync, readdirSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { open, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type LockHolder, parseHolder } from "./lockHolder.js";

/**
 * The files of one lock: `BASE.1`, `BASE.2` and so on, of which the highest is the current one (`BASE.7.free` when it was
 * given back). It is never deleted, only followed by the next number, which one process alone can create: so two that see
 * the same dead holder cannot both follow it. A file `BASE` is number 0: older versions made it.
 */
export class LockFiles {
  private readonly pattern: RegExp;

  constructor(
    readonly folder: string,
    readonly base: string,
  ) {
    this.pattern = new RegExp(`^${base.replaceAll(/[^\w]/g, "\\$&")}(?:\\.(\\d+)(\\.free)?)?$`);
  }

  path(number: number): string {
    return join(this.folder, number === 0 ? this.base : `${this.base}.${number}`);
  }

  /** The highest number there is, and whether it was given back; null where there is none. */
  current(): { number: number; free: boolean } | null {
    let highest: { number: number; free: boolean } | null = null;
    for (const one of this.all())
      if (highest === null || one.number > highest.number || (one.number === highest.number && !one.free))
        highest = one;
    return highest;
  }

  private all(): { number: number; free: boolean }[] {
    return readdirSync(this.folder).flatMap((name) => {
      const match = this.pattern.exec(name);
      return match === null ? [] : [{ number: Number(match[1] ?? 0), free: match[2] !== undefined }];
    });
  }

  /**
   * Makes `number` the current file: whole or not at all, so that nobody ever sees an empty one.
   * @returns false where another was quicker
   */
  claim(number: number, text: string): boolean {
    if (!this.create(number, text)) return false;
    if (this.all().every((one) => one.number < number || (one.number === number && !one.free))) return true;
    // This number is of the past: another had it, and gave it back or was followed, since the caller looked.
    rmSync(this.path(number), { force: true });
    return false;
  }

  private create(number: number, text: string): boolean {
    const target = this.path(number);
    const beside = this.besideName();
    try {
      writeFileSync(beside, text);
      linkSync(beside, target);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A network file system may do it and lose its answer: two names say so.
      if (code === "EEXIST") return statSync(beside).nlink === 2;
      if (code === "EPERM" || code === "ENOTSUP" || code === "EOPNOTSUPP" || code === "ENOSYS")
        return createWithoutLinks(target, text);
      throw error;
    } finally {
      rmSync(beside, { force: true });
    }
  }

  /** Other content for a number that this process holds. */
  rewrite(number: number, text: string): void {
    const beside = this.besideName();
    try {
      writeFileSync(beside, text);
      renameSync(beside, this.path(number));
    } finally {
      rmSync(beside, { force: true });
    }
  }

  /** Needs no room on the disk, so that a full one leaves no lock behind. */
  giveBack(number: number): void {
    try {
      renameSync(this.path(number), `${this.path(number)}.free`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error; // followed, and cleared away
    }
  }

  /** Clears away what was followed. What can't be removed does no harm. */
  removeBelow(number: number): void {
    for (const { number: older, free } of this.all()) {
      if (older >= number) continue;
      try {
        unlinkSync(free ? `${this.path(older)}.free` : this.path(older));
      } catch {
        // gone already, or no file
      }
    }
  }

  /** What a number's file says; null where it is gone (given back or followed). */
  async look(number: number): Promise<LockSight | null> {
    const path = this.path(number);
    try {
      // Opened, since a network file system answers a bare stat from its memory.
      const file = await open(path);
      try {
        const { mtimeMs, ino } = await file.stat();
        const text = await file.readFile("utf8");
        return { holder: parseHolder(text), readable: true, mtimeMs, sign: `${ino} ${mtimeMs} ${text}` };
      } finally {
        await file.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      // Another user's, or no file at all: it can't be read, but it can be seen to change.
      const seen = await stat(path).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return null;
        throw cause;
      });
      return (
        seen && { holder: null, readable: false, mtimeMs: seen.mtimeMs, sign: `${seen.ino} ${seen.mtimeMs}` }
      );
    }
  }

  /** Milliseconds since `mtimeMs` by the clock of the file system itself; null where it can't be asked. */
  async ageOf(mtimeMs: number): Promise<number | null> {
    const probe = this.besideName();
    try {
      await writeFile(probe, "");
      return (await stat(probe)).mtimeMs - mtimeMs;
    } catch {
      return null;
    } finally {
      await rm(probe, { force: true });
    }
  }

  private besideName(): string {
    return join(this.folder, `.lock-${randomBytes(6).toString("hex")}`);
  }
}

/** A lock's file at one look. */
export interface LockSight {
  /** Null where the file is empty, malformed or can't be read. */
  holder: LockHolder | null;
  readable: boolean;
  mtimeMs: number;
  /** Changes with every heartbeat. */
  sign: string;
}

/** Some file systems have no hard links. Others may see such a file empty for a moment, and judge it by its age. */
function createWithoutLinks(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
