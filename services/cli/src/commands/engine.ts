import type { Command } from "commander";
import { cacheDir } from "../project/environment.js";
import { createSay } from "../terminal/say.js";
import { addEngineBenchCommand } from "./engineBench.js";
import { jsonOption } from "./options.js";

/** `pairloom engine`: what computes. */
export function addEngineCommand(program: Command): void {
  const engine = program.command("engine").description("the engines that compute: list, install, bench");
  engine
    .command("list")
    .description("which engines work here, and why the others don't")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ pairloom engine list\n")
    .action(async (options: { json?: boolean }) => {
      const { listEngines } = await import("@pairloom/engine");
      const engines = await listEngines({ cacheDir: cacheDir() });
      const text = engines
        .map(({ name, available, version, why }) =>
          available ? `  ✓ ${name.padEnd(11)} ${version ?? ""}` : `  ✗ ${name.padEnd(11)} ${why ?? ""}`,
        )
        .join("\n");
      createSay(options.json ?? false).result({ engines }, text);
    });
  engine
    .command("install")
    .description("install the tensorflow engine into the cache folder (needs python3 with pip, and g++)")
    .option("--gpu", "with CUDA 12 libraries, for NVIDIA GPUs")
    .option("--stock", "the npm package's own binary instead (TensorFlow 2.9.1; needs no Python or compiler)")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ pairloom engine install\n")
    .action(async (options: { gpu?: boolean; stock?: boolean; json?: boolean }) => {
      const { installEngine } = await import("@pairloom/engine");
      const say = createSay(options.json ?? false);
      const installed = await installEngine({
        cacheDir: cacheDir(),
        gpu: options.gpu ?? false,
        stock: options.stock ?? false,
        log: (line) => say.info(line),
      });
      say.result(
        installed,
        `The tensorflow engine is ready: TensorFlow ${installed.tensorflow} in ${installed.folder}`,
      );
    });
  addEngineBenchCommand(engine);
}
