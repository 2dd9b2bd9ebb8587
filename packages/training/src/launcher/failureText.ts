/**
 * The lines of the processes' output that say why they ended: the last traceback's lines where there is one (without the
 * mark of the process that wrote it), else the last lines.
 */
export function failureText(output: string, most = 12): string {
  const lines = output.split("\n").map((line) => line.replace(/^\[rank\d+\]: ?/, ""));
  const chatter = /^(\[rank\d+\]:)?[IWE]\d{4} |\| INFO \||FutureWarning|^={3,}|^-{3,}$|^\s*$/;
  const starts = lines.findIndex((line) => line.startsWith("Traceback (most recent call last)"));
  const told = lines.slice(Math.max(0, starts)).filter((line) => !chatter.test(line));
  if (starts < 0) return told.slice(-most).join("\n");
  // the traceback ends at its first line without indentation after the header
  const end = told.findIndex((line, i) => i > 0 && !line.startsWith(" "));
  const traceback = end < 0 ? told : told.slice(0, end + 1);
  return traceback.slice(-most).join("\n");
}
