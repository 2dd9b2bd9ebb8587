import pc from "picocolors";

/** How a command talks: results on standard output, everything on the way on standard error. */
export interface Say {
  /** A line about what happens; silent with --json where no terminal looks on. */
  info(line: string): void;
  warn(line: string): void;
  /** The command's result: text for a person, or its JSON object. */
  result(json: unknown, text: string): void;
  readonly json: boolean;
}

export function createSay(json: boolean): Say {
  return {
    json,
    info: (line) => void process.stderr.write(`${line}\n`),
    warn: (line) => void process.stderr.write(`${pc.yellow("warning:")} ${line}\n`),
    result: (value, text) => void process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${text}\n`),
  };
}
