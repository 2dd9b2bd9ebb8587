import pc from "picocolors";

/** Colours for standard output: none in a pipe or a file. picocolors alone would colour those where CI is set. */
export function outputColours(): ReturnType<typeof pc.createColors> {
  // undefined, where it is no terminal, would mean picocolors' own choice
  const isTerminal = (process.stdout.isTTY as boolean | undefined) ?? false;
  return pc.createColors(isTerminal && pc.isColorSupported);
}
