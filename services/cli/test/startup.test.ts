import { expect, it } from "vitest";
import { commandTable } from "../src/commands/commandTable.js";
import { loadedModules, packageOf } from "./loadedModules.js";

const packagesOf = (modules: readonly string[]) =>
  [...new Set(modules.map(packageOf).filter((name) => name !== null))].sort();

it("the help of the whole command line imports none of the commands", async () => {
  const { stdout, modules } = await loadedModules(["--help"]);
  expect(stdout).toContain("the funnel and the queues");
  expect(packagesOf(modules)).toEqual(["commander", "packages/config", "picocolors", "services/cli"]);
  expect(modules.filter((url) => url.includes("/commands/")).map((url) => url.split("/").at(-1))).toEqual([
    "commandTable.js",
  ]);
});

/** Small packages that options are checked with. Queues, codecs, engines and the web are imported by a command's work alone. */
const light = new Set([
  "commander",
  "picocolors",
  "zod",
  "packages/config",
  "packages/sources", // its search templates: searchTemplate.js
  "packages/storage",
  "packages/tables", // the names in its options: options.js
  "packages/tokenizer",
  "services/cli",
  "services/fetcher", // the names in fetch's options: list/listSettings.js
]);

it.each(Object.values(commandTable).flatMap((commands) => Object.keys(commands)))(
  "the help of %s imports what its options need, and nothing that works",
  async (name) => {
    const { stdout, modules } = await loadedModules([name, "--help"]);
    expect(stdout).toContain(`Usage: pairloom ${name}`);
    expect(packagesOf(modules).filter((one) => !light.has(one))).toEqual([]);
  },
);
