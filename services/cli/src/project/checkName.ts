import { UserError } from "@pairloom/config";

/** Files and folders are named after runs and releases, with something before and after. */
const longest = 100;

/**
 * Checks the name of a run or a release before anything is looked for under it.
 * @throws UserError "run_name_invalid", "release_name_invalid"
 */
export function checkName(kind: "run" | "release", name: string): void {
  const shown = JSON.stringify(name.length > longest ? `${name.slice(0, longest)}…` : name);
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw new UserError(
      `${kind}_name_invalid`,
      `${shown} can't name a ${kind}: letters, digits, dots, dashes and underscores can`,
    );
  if (name.length > longest)
    throw new UserError(
      `${kind}_name_invalid`,
      `${shown} is too long a name for a ${kind}: ${longest} characters can be`,
    );
}
