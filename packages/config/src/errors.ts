/**
 * An error that is the user's to mend: `message` says what is wrong, `hint` what to do next.
 * The CLI prints both without a stack and exits with `exitCode`.
 */
export class UserError extends Error {
  readonly code: string;
  readonly hint: string | null;
  readonly exitCode: number;

  /** @param code stable and machine-readable, e.g. "query_list_empty" */
  constructor(
    code: string,
    message: string,
    options: { hint?: string; cause?: unknown; exitCode?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "UserError";
    this.code = code;
    this.hint = options.hint ?? null;
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The disk (or bucket) is full: what was being written is gone, nothing published is harmed; free space and go on. */
export class DiskFullError extends UserError {
  constructor(where: string, cause?: unknown) {
    super("disk_full", `No space left on the device while writing ${where}`, {
      hint: "Free some space and run the same command again: it goes on where it stopped.",
      cause,
      exitCode: 5,
    });
    this.name = "DiskFullError";
  }
}

/** What a Redis answers that cannot write its file: it takes no change until there is room again. */
const redisDiskFull = /^MISCONF .*(No space left on device|Disk quota exceeded)/;

/** True for ENOSPC and EDQUOT, however deep in the chain of causes, and where Redis refuses a change because of them. */
export function isDiskFull(error: unknown): boolean {
  for (let e: unknown = error; e instanceof Error; e = e.cause) {
    if (e instanceof DiskFullError) return true;
    const code = (e as NodeJS.ErrnoException).code;
    if (code === "ENOSPC" || code === "EDQUOT" || redisDiskFull.test(e.message)) return true;
  }
  return false;
}
