import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createTokenizer, fixText } from "@pairloom/tokenizer";
import { beforeAll, describe, expect, test } from "vitest";

const python = process.env.PAIRLOOM_PYTORCH;
if (python === undefined)
  console.log(
    "The tokenizer beside open_clip is skipped: PAIRLOOM_PYTORCH names no Python (environment.sh pytorch)",
  );

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Case {
  text: string;
  fixed: string;
  ids: number[];
  decoded: string;
}

describe.skipIf(python === undefined)("4,000 strings or so by lot, many of them broken", () => {
  let cases: Case[];
  beforeAll(() => {
    const ftfyCases = path("../../packages/tokenizer/test/fixtures/ftfy_test_cases.json");
    const made = spawnSync(python!, [path("tokenizer_reference.py"), ftfyCases], {
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    if (made.status !== 0) throw new Error(made.stderr);
    cases = JSON.parse(made.stdout) as Case[];
  });

  test("are repaired as ftfy repairs them", () => {
    expect(cases.length).toBeGreaterThan(3900);
    const other = cases.filter(({ text, fixed }) => fixText(text) !== fixed);
    expect(other.map(({ text, fixed }) => ({ text, fixed, ours: fixText(text) }))).toEqual([]);
  });

  test("take open_clip's ids, and decode as there", () => {
    const tokenizer = createTokenizer();
    const other = cases.filter(({ text, ids, decoded }) => {
      const ours = tokenizer.encode(text);
      return ours.join() !== ids.join() || tokenizer.decode(ours) !== decoded;
    });
    expect(other.map(({ text }) => text)).toEqual([]);
  });
});
