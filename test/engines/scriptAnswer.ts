import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What a script of this folder says in its last line, run in a process of its own: TensorFlow stays in one for good. */
export async function scriptAnswer<T>(script: string, ...args: string[]): Promise<T> {
  const path = join(import.meta.dirname, script);
  const { stdout } = await run(process.execPath, [path, ...args], { maxBuffer: 1 << 26 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as T;
}

/** Runs that several tests look at are done once. */
export function once<Args extends unknown[], T>(work: (...args: Args) => Promise<T>) {
  const known = new Map<string, Promise<T>>();
  return (...args: Args): Promise<T> => {
    const key = JSON.stringify(args);
    let answer = known.get(key);
    if (answer === undefined) known.set(key, (answer = work(...args)));
    return answer;
  };
}
