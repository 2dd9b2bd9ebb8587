import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { demoQueries, demoQueryFile } from "../src/demoWeb/demoQueries.js";
import { demoClasses } from "../src/demoWeb/pictures/vocabulary.js";

it("examples/demo-queries.txt is what demoQueryFile(1) makes", () => {
  const file = readFileSync(new URL("../../../examples/demo-queries.txt", import.meta.url), "utf8");
  expect(file).toBe(demoQueryFile(1));
});

it("the demo's queries are a few hundred, each once, with all 54 combinations", () => {
  const queries = demoQueries(1);
  expect(queries.length).toBeGreaterThanOrEqual(250);
  expect(new Set(queries).size).toBe(queries.length);
  for (const name of demoClasses()) expect(queries).toContain(name);
});
