import { readFile } from "node:fs/promises";
import { UserError } from "@pairloom/config";
import type { LabelRule } from "@pairloom/evaluation";
import { z } from "zod";

const rulesSchema = z.array(z.strictObject({ name: z.string().min(1), pattern: z.string().min(1) })).min(2);

/** Rules by which a release's texts tell a class: JSON, `[{"name": …, "pattern": …}]`. @throws UserError "label_rules_invalid" */
export async function readLabelRules(path: string): Promise<LabelRule[]> {
  try {
    return rulesSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw new UserError("label_rules_invalid", `${path} is no list of label rules`, {
      hint: 'It must be JSON: [{"name": "red circle", "pattern": "red circle"}, …], two at least.',
      cause,
    });
  }
}
