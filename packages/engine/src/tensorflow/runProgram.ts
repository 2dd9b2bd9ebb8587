import { spawn } from "node:child_process";

export interface ProgramResult {
  /** Exit code; null if it could not be started or was killed. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. A program that isn't there gives code null; nothing is thrown. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    const end = (code: number | null, extra = "") =>
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() + extra });
    child.on("error", (error) => end(null, error.message));
    child.on("close", (code) => end(code));
  });
}

/** The last lines of what a program said, for an error message. */
export function lastLines(result: ProgramResult, count = 8): string {
  const text = result.stderr.trim() === "" ? result.stdout : result.stderr;
  return text.trim().split("\n").slice(-count).join("\n");
}
