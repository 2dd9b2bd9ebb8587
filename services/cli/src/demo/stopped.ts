import { UserError } from "@pairloom/config";

/** What a demo that was asked to stop ends with. */
export function stopped(dir: string): UserError {
  return new UserError("stopped", "Stopped before the end", {
    hint: `Run it again to go on: pairloom demo --dir ${dir}`,
    exitCode: 130,
  });
}
