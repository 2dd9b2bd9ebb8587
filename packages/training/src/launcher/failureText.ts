/**
 * The lines of the processes' output that say why they ended: the first traceback of one of them, without the mark of the
 * process; where they left none (a signal), what torchrun names as the root cause; else the last lines.
 */
export function failureText(output: string, most = 12): string {
  const lines = output
    .split("\n")
    .map((line) => line.replace(/^\[rank\d+\]: ?/, ""))
    .filter((line) => !chatter.test(line));
  const told = firstTraceback(lines) ?? rootCause(lines) ?? lines;
  return told.slice(-most).join("\n");
}

/** Log lines, warnings, rulers. */
const chatter = /^(\[rank\d+\]:)?[IWE]\d{4} |\| INFO \||FutureWarning|^={3,}|^-{3,}$|^\s*$/;

const tracebackStart = "Traceback (most recent call last)";

function firstTraceback(lines: readonly string[]): string[] | null {
  for (const [at, line] of lines.entries()) {
    if (!line.startsWith(tracebackStart)) continue;
    // it ends at its first line without indentation
    const length = lines.slice(at + 1).findIndex((next) => !next.startsWith(" ")) + 1;
    const traceback = lines.slice(at, length === 0 ? undefined : at + length + 1);
    // torchrun's own tells only that a process failed
    if (traceback.at(-1)?.includes("ChildFailedError") !== true) return traceback;
  }
  return null;
}

function rootCause(lines: readonly string[]): string[] | null {
  const at = lines.findLastIndex((line) => line.startsWith("Root Cause"));
  return at < 0 ? null : lines.slice(at);
}
