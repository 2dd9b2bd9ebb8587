import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "@pairloom/config/errors";
import type { HeldLock } from "@pairloom/storage/lock";
import { checkLoads } from "./checkLoads.js";
import { howToAdd } from "../howToAdd.js";
import { compileBinding } from "./compileBinding.js";
import {
  bindingName,
  bindingPackage,
  headersOf,
  bindingPackageVersion,
  installationFolder,
  markerOf,
  readInstallation,
  stockBinding,
  tensorflowVersion,
} from "./installation.js";
import type { Installation } from "./installation.js";
import { nativeFingerprint } from "./nativeSources.js";
import { withInstallLock } from "./installLock.js";
import { lastLines, runProgram } from "./runProgram.js";
import { downloadTensorflow } from "./tensorflowWheels.js";

export interface InstallOptions {
  /** Where engines are kept, such as ~/.cache/pairloom. `npm ci` must not reach it. */
  cacheDir: string;
  /** With CUDA 12 libraries, about 3 GB. */
  gpu?: boolean;
  /** The binding package's own install step instead: TensorFlow 2.9.1, no Python and no compiler. */
  stock?: boolean;
  log?: (line: string) => void;
}

/**
 * Installs the tensorflow engine into the cache folder and checks in a child process that it multiplies. Goes on where
 * an interrupted call stopped; a complete installation is left as it is. Needs python3 with pip, and g++.
 * @throws UserError that names what is missing and how to get it
 */
export async function installEngine(options: InstallOptions): Promise<Installation> {
  const log = options.log ?? (() => undefined);
  const source = bindingPackage();
  if (source === null)
    throw new UserError("binding_package_missing", "npm's @tensorflow/tfjs-node-gpu is not installed", {
      hint: `First ${howToAdd(bindingPackageVersion)} Then \`pairloom engine install\` again.`,
    });
  if (options.stock === true) return installStock(source, options.gpu === true, log);
  const gpu = options.gpu === true;
  const folder = installationFolder(options.cacheDir, gpu);
  await mkdir(dirname(folder), { recursive: true });
  const install = async (lock: HeldLock): Promise<Installation> => {
    const found = readInstallation(folder);
    if (found !== null && found.native === nativeFingerprint()) {
      log(`TensorFlow ${tensorflowVersion} is already installed in ${folder}`);
      return found;
    }
    await checkTools();
    const partial = `${folder}.partial`;
    // an installation whose binding is of another version keeps its libraries
    if (found !== null && existsSync(headersOf(folder))) await rename(folder, partial);
    await mkdir(partial, { recursive: true });
    await downloadTensorflow(partial, gpu, log);
    log("Compiling the binding (about 30 seconds)");
    const native = await compileBinding(source, partial, log);
    log("Checking that it loads and multiplies");
    const version = await checkLoads(source, join(partial, bindingName), tensorflowVersion);
    await rm(join(partial, "wheels"), { recursive: true, force: true });
    const marker = { tensorflow: version, gpu, native: native ? nativeFingerprint() : null };
    await writeFile(markerOf(partial), JSON.stringify(marker) + "\n");
    lock.assertHeld();
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
    log(`TensorFlow ${version} is installed in ${folder}`);
    return { ...marker, folder };
  };
  return withInstallLock(folder, install, { log });
}

async function checkTools(): Promise<void> {
  if (process.platform !== "linux" || (process.arch !== "x64" && process.arch !== "arm64"))
    throw new UserError(
      "platform_unsupported",
      `No TensorFlow libraries for ${process.platform}-${process.arch} here`,
      {
        hint: "Try `pairloom engine install --stock`, or stay with the wasm engine, which needs nothing.",
      },
    );
  const tools = [
    {
      name: "python3",
      args: ["--version"],
      apt: "python3",
      brings: "to fetch TensorFlow's wheel (at install time only)",
    },
    {
      name: "python3",
      args: ["-m", "pip", "--version"],
      apt: "python3-pip",
      brings: "pip, to fetch TensorFlow's wheel",
    },
    { name: "g++", args: ["--version"], apt: "g++", brings: "to compile the binding" },
  ];
  for (const { name, args, apt, brings } of tools) {
    const result = await runProgram(name, args);
    if (result.code !== 0)
      throw new UserError(
        "tool_missing",
        `${[name, ...args.slice(0, -1)].join(" ")} is not there; it is needed ${brings}`,
        {
          hint: `On Debian and Ubuntu: \`sudo apt-get install ${apt}\`. Without it: \`pairloom engine install --stock\` (TensorFlow 2.9.1), or the wasm engine.`,
        },
      );
  }
}

async function installStock(
  source: string,
  gpu: boolean,
  log: (line: string) => void,
): Promise<Installation> {
  log(
    `Running the install step of @tensorflow/tfjs-node-gpu (TensorFlow 2.9.1, ${gpu ? "CUDA 11.2, 400" : "120"} MB)`,
  );
  const result = await runProgram(process.execPath, ["scripts/install.js", gpu ? "gpu" : "cpu", "download"], {
    cwd: source,
  });
  const binding = stockBinding();
  if (result.code !== 0 || binding === null)
    throw new UserError("stock_install_failed", `The package's install step failed:\n${lastLines(result)}`, {
      hint: "Without --stock, `pairloom engine install` builds a current TensorFlow; it needs python3, pip and g++.",
    });
  const version = await checkLoads(source, binding, null);
  log(`TensorFlow ${version} is installed in ${source} (\`npm ci\` removes it again)`);
  return { folder: source, tensorflow: version, gpu, native: null };
}
