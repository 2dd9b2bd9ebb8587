import { join, resolve } from "node:path";
import type { EngineChoice } from "@pairloom/engine";
import { findShards } from "@pairloom/shards";
import { openStore } from "@pairloom/storage";
import type { Command } from "commander";
import { openModel } from "../project/openModel.js";
import { createSay } from "../terminal/say.js";
import { engineOption, jsonOption, wholeNumber } from "./options.js";

interface SearchOptions {
  checkpoint: string;
  release: string;
  model?: string;
  count: number;
  engine: EngineChoice;
  index?: string;
  json?: boolean;
}

/** `pairloom search`: a sentence → images. */
export function addSearchCommand(program: Command): void {
  program
    .command("search")
    .description("find pictures of a release for a sentence")
    .argument("<sentence>", "what the picture shows")
    .requiredOption("--checkpoint <file>", "the model's weights (safetensors, open_clip's keys)")
    .requiredOption("--release <folder>", "the shards to search")
    .option("--model <name>", "the model's config, where none lies beside the checkpoint")
    .option("--count <n>", "pictures to show", wholeNumber(1), 10)
    .option("--index <folder>", "where the embedded release is kept (default: beside the release)")
    .addOption(engineOption().default("auto"))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      '\nExample:\n  $ pairloom search "a red circle" --checkpoint run/checkpoints/step-000500.safetensors --release data/releases/r0001\n',
    )
    .action(async (sentence: string, options: SearchOptions) => {
      const say = createSay(options.json ?? false);
      const release = resolve(options.release);
      const store = await openStore(release, { readOnly: true });
      const shards = await findShards(store);
      const opened = await openModel(options.checkpoint, options.engine, options.model);
      try {
        const { embedRelease, openSearchIndex, searchSentence } = await import("@pairloom/evaluation");
        const folder =
          options.index ??
          join(release, "..", `.index-${opened.fingerprint.slice(0, 16)}-${release.split("/").at(-1) ?? ""}`);
        await embedRelease(store, shards, opened.model, folder, {
          fingerprint: opened.fingerprint,
          log: (line) => say.info(line),
        });
        const hits = await searchSentence(
          await openSearchIndex(folder),
          opened.model,
          sentence,
          options.count,
        );
        say.result(
          { sentence, results: hits },
          hits
            .map(
              ({ score, key, text, url }) =>
                `  ${score.toFixed(4)}  ${key}  ${text}${url === null ? "" : `\n                     ${url}`}`,
            )
            .join("\n"),
        );
      } finally {
        await opened.close();
      }
    });
}
