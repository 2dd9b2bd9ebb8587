import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { AdapterFacts } from "./adapterFacts.js";

/** The adapter, or why there is none, in the driver's or the loader's own words ("" if they had none). */
export type Probe = { status: "found"; facts: AdapterFacts } | { status: "none"; why: string };

/** A driver that takes longer hangs. */
const timeoutMs = 30_000;

let probed: Promise<Probe> | null = null;

/** Which adapter there is, asked once in a child process: a driver's crash or hang is then only an answer. */
export function probeAdapter(): Promise<Probe> {
  return (probed ??= ask());
}

async function ask(): Promise<Probe> {
  const program = fileURLToPath(new URL("printAdapter.js", import.meta.url));
  try {
    const run = promisify(execFile)(process.execPath, [program], { timeout: timeoutMs });
    const { stdout, stderr } = await run;
    const facts = JSON.parse(stdout) as AdapterFacts | null;
    return facts === null ? { status: "none", why: complaint(stderr) } : { status: "found", facts };
  } catch (error) {
    const { stderr = "", signal, killed } = error as { stderr?: string; signal?: string; killed?: boolean };
    if (killed === true) return { status: "none", why: `The driver did not answer in ${timeoutMs / 1000} s` };
    if (typeof signal === "string") return { status: "none", why: `The driver crashed (${signal})` };
    return { status: "none", why: complaint(stderr) };
  }
}

/** The first line that says what failed, such as "Vulkan shaderUniform*ArrayDynamicIndexing required." */
function complaint(stderr: string): string {
  return /^(?:Warning|\w*Error): (.+)$/m.exec(stderr)?.[1] ?? "";
}
