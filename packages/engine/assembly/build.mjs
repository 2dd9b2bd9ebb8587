// Compiles assembly/*.as (AssemblyScript) into src/wasm/kernelBytes.ts. Run in packages/engine after a change:
//   npx --yes --package assemblyscript@0.28.20 node assembly/build.mjs
// The compiler is no dependency of the workspace (it brings 100 MB); a test checks that the bytes fit the sources.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const here = import.meta.dirname;
const sources = readdirSync(here)
  .filter((name) => name.endsWith(".as"))
  .sort();
const sourceHash = createHash("sha256");
for (const name of sources) sourceHash.update(name).update(readFileSync(join(here, name)));

// npx puts the compiler's folder on the PATH
const bin =
  process.env.PATH.split(delimiter).find((folder) => folder.includes("_npx")) ??
  process.env.PATH.split(delimiter)[0];
const asc = await import(pathToFileURL(join(dirname(bin), "assemblyscript", "dist", "asc.js")).href);

async function compile() {
  let bytes = null;
  const flags =
    "-O3 --noAssert --enable simd --enable threads --runtime stub --importMemory --noExportMemory --sharedMemory --maximumMemory 65536 --use abort= --outFile kernels.wasm";
  const { error, stderr } = await asc.main(["kernels.ts", ...flags.split(" ")], {
    readFile: (name) =>
      sources.includes(name.replace(/\.ts$/, ".as"))
        ? readFileSync(join(here, name.replace(/\.ts$/, ".as")), "utf8")
        : null,
    writeFile: (name, content) => {
      if (name.endsWith(".wasm")) bytes = content;
    },
    listFiles: () => [],
  });
  if (error !== null) throw new Error(`${error.message}\n${stderr.toString()}`);
  return Buffer.from(bytes);
}

const bytes = await compile();
writeFileSync(
  join(here, "..", "src", "wasm", "kernelBytes.ts"),
  `/** Made by assembly/build.mjs from assembly/*.as; don't edit. */
export const kernelSourceHash = ${JSON.stringify(sourceHash.digest("hex"))};

/** The module, base64. */
export const kernelBytes =
  ${JSON.stringify(bytes.toString("base64"))};
`,
);
console.log(`${bytes.length} bytes`);
