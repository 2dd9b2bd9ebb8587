import { UserError } from "@pairloom/config/errors";

/** A class and how its captions are told: any text that matches belongs to it. */
export interface LabelRule {
  name: string;
  /** A regular expression, case-insensitive. */
  pattern: string;
}

/**
 * A function that gives the number of the one rule that any of a sample's texts matches; null where none or several do.
 *
 * @throws UserError "label_rule_invalid" where a pattern is no regular expression
 */
export function labelRules(rules: readonly LabelRule[]): (texts: readonly string[]) => number | null {
  const patterns = rules.map(({ name, pattern }) => {
    try {
      return new RegExp(pattern, "iu");
    } catch (error) {
      throw new UserError("label_rule_invalid", `The label rule "${name}": ${(error as Error).message}`, {
        hint: "`pattern` must be a regular expression.",
        cause: error,
      });
    }
  });
  return (texts) => {
    const found = patterns.flatMap((pattern, label) =>
      texts.some((text) => pattern.test(text)) ? [label] : [],
    );
    return found.length === 1 ? found[0]! : null;
  };
}
