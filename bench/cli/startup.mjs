// What the command line's help costs: processor seconds (user + system) of a process, the median of five, beside those of
// Node alone. `node bench/cli/startup.mjs [PATH/TO/bin/pairloom.js]`; without a path the checkout's own, after a build.
import { spawnSync } from "node:child_process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { dirname, join } from "node:path";

const launcher =
  process.argv[2] ?? fileURLToPath(new URL("../../services/cli/bin/pairloom.js", import.meta.url));
const { commandTable } = await import(
  pathToFileURL(join(dirname(launcher), "../dist/commands/commandTable.js")).href
);
const runs = 5;

/** @returns processor seconds of one process */
function cost(args) {
  const shell = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1';
  const { stderr } = spawnSync("bash", ["-c", shell, "-", process.execPath, ...args], { encoding: "utf8" });
  return stderr
    .trim()
    .split(" ")
    .reduce((sum, part) => sum + Number(part), 0);
}
const median = (args) => Array.from({ length: runs }, () => cost(args)).sort((a, b) => a - b)[runs >> 1];
const line = (name, args) => console.log(`${name.padEnd(28)}${median(args).toFixed(3)} s`);

cost([launcher, "--version"]); // files come from memory from here on
line("node -e 0", ["-e", "0"]);
line("pairloom --version", [launcher, "--version"]);
line("pairloom --help", [launcher, "--help"]);
for (const commands of Object.values(commandTable))
  for (const name of Object.keys(commands)) line(`pairloom ${name} --help`, [launcher, name, "--help"]);
