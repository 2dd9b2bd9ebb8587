/**
 * The lines of the processes' output that say why they ended. A process that a signal ended goes before the tracebacks
 * of those that missed it; else the first traceback of a process counts, without the process's mark; else what torchrun
 * names as the root cause; else the last lines.
 */
export function failureText(output: string, most = 12): string {
  const lines = output
    .split("\n")
    .map((line) => line.replace(/^\[rank\d+\]: ?/, ""))
    .filter((line) => !chatter.test(line));
  const failures = reportedFailures(lines);
  const told = failures.find(endedBySignal) ?? firstTraceback(lines) ?? failures.at(-1) ?? lines;
  return told.slice(-most).join("\n");
}

/** Log lines, warnings, rulers. */
const chatter = /^(\[rank\d+\]:)?[IWE]\d{4} |\| INFO \||FutureWarning|^={3,}|^-{3,}$|^\s*$/;

/** torchrun's report: a block of lines for each process that failed, the root cause last. */
function reportedFailures(lines: readonly string[]): string[][] {
  const blocks: string[][] = [];
  for (const line of lines.slice(lines.lastIndexOf("Failures:") + 1)) {
    if (/^\[\d+\]:$/.test(line)) blocks.push([]);
    else if (line.startsWith("  ")) blocks.at(-1)?.push(line);
  }
  return blocks.filter((block) => block.some((line) => line.includes("exitcode")));
}

/** By another signal than the SIGTERM by which torchrun ends the others. */
const endedBySignal = (block: readonly string[]): boolean =>
  block.some((line) => /exitcode\s*: -(?!15\b)\d/.test(line));

function firstTraceback(lines: readonly string[]): string[] | null {
  for (const [at, line] of lines.entries()) {
    if (!line.startsWith("Traceback (most recent call last)")) continue;
    // it ends at its first line without indentation
    const length = lines.slice(at + 1).findIndex((next) => !next.startsWith(" ")) + 1;
    const traceback = lines.slice(at, length === 0 ? undefined : at + length + 1);
    // torchrun's own tells only that a process failed
    if (traceback.at(-1)?.includes("ChildFailedError") !== true) return traceback;
  }
  return null;
}
