import { UserError } from "@pairloom/config/errors";
import { isObject } from "@pairloom/config/isObject";
import type { Store } from "@pairloom/storage";

/** True where a folder's data card says that it is a release of what hold-out rules keep out of training. */
export async function isHeldOut(release: Store): Promise<boolean> {
  const name = "datacard.json";
  if ((await release.stat(name)) === null) return false;
  let card: unknown;
  try {
    card = JSON.parse((await release.get(name)).toString("utf8"));
  } catch {
    return false; // not a card of ours
  }
  return isObject(card) && isObject(card["settings"]) && card["settings"]["side"] === "held_out";
}

/** @throws UserError "data_held_out" unless it is allowed */
export async function refuseHeldOut(release: Store, allowHeldOut: boolean): Promise<void> {
  if (allowHeldOut || !(await isHeldOut(release))) return;
  throw new UserError(
    "data_held_out",
    `Training setting \`data\`: ${release.url} is a held-out release; a model trained on it can't be evaluated on it`,
    {
      hint:
        "Train on the other side of the hold-out rules and name this one with `evaluateData` (--evaluate-data). " +
        "To train on it all the same: `allowHeldOut` (--allow-held-out).",
    },
  );
}
