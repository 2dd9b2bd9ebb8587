import { UserError } from "@pairloom/config";
import { CommanderError } from "commander";
import pc from "picocolors";

/** Prints why a command failed (for a person, or as one JSON object) and gives the exit code. */
export function reportFailure(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const { code, message, hint, exitCode } =
    error instanceof UserError
      ? error
      : { code: systemCode(error) ?? "unexpected", message: messageOf(error), hint: null, exitCode: 1 };
  if (json) process.stdout.write(JSON.stringify({ error: { code, message, hint } }) + "\n");
  process.stderr.write(`${pc.red("error:")} ${message}\n`);
  if (hint !== null) process.stderr.write(`${pc.dim("→")} ${hint}\n`);
  if (!(error instanceof UserError) && error instanceof Error && process.env["PAIRLOOM_DEBUG"] !== undefined)
    process.stderr.write(`${error.stack ?? ""}\n`);
  return exitCode;
}

function systemCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return error.message + cause;
}
