import { UserError } from "@pairloom/config/errors";

/** Labels without names are numbers below this: more is no label. */
const mostClasses = 1_000_000;

/**
 * The number of a class from its name or number.
 *
 * @param classes names by number; null where there are none
 * @param place says where the label stands
 * @throws UserError "label_unknown" where it is neither, "label_out_of_range" where there is no such number
 */
export function labelNumber(text: string, classes: readonly string[] | null, place: string): number {
  const label = text.trim();
  const named = classes?.indexOf(label) ?? -1;
  if (named >= 0) return named;
  if (!/^\d+$/.test(label))
    throw new UserError(
      "label_unknown",
      `The label of ${place} is ${JSON.stringify(label)}, ${classes === null ? "which is no number" : "which no class is named"}`,
      {
        hint:
          classes === null
            ? "Labels are numbers from 0 on, or names of a list (--classes)."
            : `The classes are ${classes.slice(0, 5).join(", ")}${classes.length > 5 ? ", …" : ""}.`,
      },
    );
  const number = Number(label);
  if (number < (classes?.length ?? mostClasses)) return number;
  throw new UserError(
    "label_out_of_range",
    `The label of ${place} is ${label}, but ${classes === null ? "numbers end before a million" : `there are ${classes.length} class names`}`,
    { hint: "Labels count from 0. Is a name missing in the list of classes?" },
  );
}
