import { DiskFullError, isDiskFull, UserError } from "@pairloom/config/errors";
import { CommanderError } from "commander";
import pc from "picocolors";

/** Prints why a command failed (for a person, or as one JSON object) and gives the exit code. */
export function reportFailure(thrown: unknown, json: boolean): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  const error =
    isDiskFull(thrown) && !(thrown instanceof UserError)
      ? new DiskFullError(placeOf(thrown), thrown)
      : thrown;
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

/** What could not be written, as far as the error knows. */
function placeOf(error: unknown): string {
  const path = error instanceof Error ? (error as NodeJS.ErrnoException).path : undefined;
  return path ?? messageOf(error);
}

function systemCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return error.message + cause;
}
