// Makes one npm package of the workspace: `npm run pack [-- FOLDER]` writes pairloom-VERSION.tgz there (here by default).
// What `npm install -g pairloom-VERSION.tgz` brings is the command line with the workspace's own packages inside
// (bundleDependencies), so that each still finds its files and threads beside itself, and npm fetches libraries alone.
// Run it in a fresh clone: what an old build left in a dist folder would be packed too.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const target = resolve(process.argv[2] ?? ".");
/** Large, and for some machines alone: whoever wants them installs them beside pairloom, where its engines find them. */
const installedBeside = new Set(["@tensorflow/tfjs-node-gpu", "webgpu"]);
/** Of a build, what only a build reads. */
const notPacked = /\.(map|tsbuildinfo)$|\/\.built$/;

/**
 * TensorFlow.js as npm has it is 300 MB of builds for every bundler; Node reads 8 of them. Those are packed too, with their
 * declarations.
 */
const tensorflowJs = readdirSync(join(root, "node_modules/@tensorflow"))
  .map((name) => `@tensorflow/${name}`)
  .filter((name) => !installedBeside.has(name));

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));
const workspace = readJson(join(root, "package.json"));
const folders = new Map(
  ["packages", "services"].flatMap((room) =>
    readdirSync(join(root, room)).map((name) => {
      const folder = join(root, room, name);
      return [readJson(join(folder, "package.json")).name, folder];
    }),
  ),
);
const cli = folders.get("pairloom");
const bundled = closure("pairloom").filter((name) => name !== "pairloom");

const stage = mkdtempSync(join(tmpdir(), "pairloom-pack-"));
try {
  copyFiles(cli, stage);
  for (const name of ["README.md", "LICENSE"]) cpSync(join(root, name), join(stage, name));
  for (const name of bundled) {
    const to = join(stage, "node_modules", name);
    copyFiles(folders.get(name), to);
    // its libraries are those of the whole
    const { dependencies, optionalDependencies, files, ...kept } = readJson(
      join(folders.get(name), "package.json"),
    );
    writeJson(join(to, "package.json"), kept);
  }
  for (const name of tensorflowJs) packTensorflowJs(name, join(stage, "node_modules", name));
  writeFileSync(join(stage, "NOTICE"), notice());
  writeJson(join(stage, "package.json"), manifest());
  mkdirSync(target, { recursive: true });
  const { status } = spawnSync(
    "npm",
    ["pack", "--ignore-scripts", "--pack-destination", target, "--loglevel", "error"],
    {
      cwd: stage,
      stdio: "inherit",
    },
  );
  process.exitCode = status ?? 1;
} finally {
  rmSync(stage, { recursive: true, force: true });
}

function manifest() {
  const { files, ...own } = readJson(join(cli, "package.json"));
  const needed = { ...dependenciesOf("dependencies"), ...librariesOfTensorflowJs() };
  for (const name of tensorflowJs) delete needed[name];
  const optional = dependenciesOf("optionalDependencies");
  const beside = Object.fromEntries(Object.entries(optional).filter(([name]) => installedBeside.has(name)));
  for (const name of installedBeside) delete optional[name];
  return {
    ...own,
    description: workspace.description,
    engines: workspace.engines,
    // the bundled ones are named with the version that is inside: npm looks for nothing else
    dependencies: {
      ...needed,
      ...Object.fromEntries(bundled.map((name) => [name, own.version])),
      ...Object.fromEntries(
        tensorflowJs.map((name) => [name, readJson(join(libraryFolder(name), "package.json")).version]),
      ),
    },
    optionalDependencies: optional,
    peerDependencies: beside,
    peerDependenciesMeta: Object.fromEntries(Object.keys(beside).map((name) => [name, { optional: true }])),
    bundleDependencies: [...bundled, ...tensorflowJs],
  };
}

/** The libraries of all packed packages. @throws where two ask for different versions of one */
function dependenciesOf(field) {
  const all = {};
  for (const name of ["pairloom", ...bundled])
    for (const [library, range] of Object.entries(
      readJson(join(folders.get(name), "package.json"))[field] ?? {},
    )) {
      if (folders.has(library)) continue;
      if ((all[library] ??= range) !== range)
        throw new Error(`${name} asks for ${library} ${range}, another package for ${all[library]}`);
    }
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A package of the workspace and those that it depends on, directly or not. */
function closure(first) {
  const found = new Set([first]);
  for (const name of found)
    for (const dependency of Object.keys(
      readJson(join(folders.get(name), "package.json")).dependencies ?? {},
    ))
      if (folders.has(dependency)) found.add(dependency);
  return [...found].sort();
}

function libraryFolder(name) {
  return join(root, "node_modules", name);
}

/** The build that Node loads, its declarations, and the wasm modules. */
function packTensorflowJs(name, to) {
  const from = libraryFolder(name);
  const { version, license, author, repository, main, types } = readJson(join(from, "package.json"));
  const isPacked = (path) =>
    path === join(from, main) || path.endsWith(".d.ts") || /\/wasm-out\/.*-simd\.(js|wasm)$/.test(path);
  for (const part of ["dist", "wasm-out"])
    if (existsSync(join(from, part)))
      cpSync(join(from, part), join(to, part), {
        recursive: true,
        filter: (path) => statSync(path).isDirectory() || isPacked(path),
      });
  writeJson(join(to, "package.json"), { name, version, license, author, repository, main, types });
}

/** What those builds require beside one another. */
function librariesOfTensorflowJs() {
  const manifests = tensorflowJs.map((name) => readJson(join(libraryFolder(name), "package.json")));
  const code = manifests
    .map(({ name, main }) => readFileSync(join(libraryFolder(name), main), "utf8"))
    .join("\n");
  return Object.fromEntries(
    manifests
      .flatMap(({ dependencies = {} }) => Object.entries(dependencies))
      .filter(([name]) => code.includes(`require('${name}')`) && !tensorflowJs.includes(name)),
  );
}

function notice() {
  return [
    "node_modules/@pairloom: the parts of pairloom, under its own licence.",
    "node_modules/@tensorflow: TensorFlow.js, Copyright Google LLC, Apache License 2.0 (the text is in LICENSE).",
    "  Of each package only what Node loads is here, unchanged; its package.json is shortened.",
    "node_modules/@pairloom/tokenizer/data: see node_modules/@pairloom/tokenizer/NOTICE.",
    "",
  ].join("\n");
}

/** Copies what a package says that it publishes. */
function copyFiles(from, to) {
  for (const name of readJson(join(from, "package.json")).files)
    cpSync(join(from, name), join(to, name), { recursive: true, filter: (path) => !notPacked.test(path) });
}

function writeJson(path, value) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
