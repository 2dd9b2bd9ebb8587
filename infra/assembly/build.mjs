// Compiles a package's assembly/*.as (AssemblyScript), beginning with the file that its assembly/assembly.json names, into
// the TypeScript module that it names. Run in the repository's root after a change, as one line:
//   npx --yes --package assemblyscript@0.28.20 node infra/assembly/build.mjs packages/image
// The compiler is no dependency of the workspace (it brings 100 MB); a test of each package checks that the bytes fit the
// sources.
import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { sourcesOf } from "./sources.mjs";

const folder = join(process.argv[2], "assembly");
const { entry, module, flags } = JSON.parse(readFileSync(join(folder, "assembly.json"), "utf8"));
const { names: sources, hash } = sourcesOf(folder);

// npx puts the compiler's folder on the PATH
const bin =
  process.env.PATH.split(delimiter).find((folder) => folder.includes("_npx")) ??
  process.env.PATH.split(delimiter)[0];
const asc = await import(pathToFileURL(join(dirname(bin), "assemblyscript", "dist", "asc.js")).href);

async function compile() {
  let bytes = null;
  const always = "-O3 --noAssert --enable simd --runtime stub --importMemory --noExportMemory --use abort=";
  const allFlags = [...always.split(" "), ...flags, "--outFile", "module.wasm"];
  const { error, stderr } = await asc.main([entry.replace(/\.as$/, ".ts"), ...allFlags], {
    readFile: (name) =>
      sources.includes(name.replace(/\.ts$/, ".as"))
        ? readFileSync(join(folder, name.replace(/\.ts$/, ".as")), "utf8")
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
  join(folder, module),
  `/** Made by infra/assembly/build.mjs from assembly/*.as; don't edit. */
export const kernelSourceHash = ${JSON.stringify(hash)};

/** The module, base64. */
export const kernelBytes =
  ${JSON.stringify(bytes.toString("base64"))};
`,
);
console.log(`${bytes.length} bytes`);
