import { type HoldOutRule, UserError } from "@pairloom/config";

/**
 * The first rule that any of the texts matches, or null.
 * @throws UserError where a rule's pattern is no regular expression
 */
export function compileHoldOut(
  rules: readonly HoldOutRule[],
): (texts: Iterable<string>) => HoldOutRule | null {
  const compiled = rules.map((rule) => {
    try {
      return { rule, pattern: new RegExp(rule.pattern, "iu") };
    } catch (cause) {
      throw new UserError(
        "hold_out_pattern",
        `The hold-out rule "${rule.name}" has a pattern that can't be read`,
        {
          hint: `Mend the regular expression ${rule.pattern}`,
          cause,
        },
      );
    }
  });
  return (texts) => {
    const all = [...texts];
    return compiled.find(({ pattern }) => all.some((text) => pattern.test(text)))?.rule ?? null;
  };
}
