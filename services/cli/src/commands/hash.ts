import type { ImageHashes } from "@pairloom/image";
import type { Command } from "commander";
import { createSay } from "../terminal/say.js";
import { jsonOption } from "./options.js";

/** `pairloom hash`: sha256 and PDQ of pictures. */
export function addHashCommand(program: Command): void {
  program
    .command("hash")
    .description("sha256 and PDQ hash of pictures")
    .argument("<image...>", "picture files")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ pairloom hash a.jpg b.png --json\n")
    .action(async (paths: string[], options: { json?: boolean }) => {
      const { setupSharp, hashImages } = await import("@pairloom/image");
      setupSharp();
      const hashes: ImageHashes[] = [];
      for await (const one of hashImages(paths)) hashes.push(one);
      const text = hashes
        .map(({ path, sha256, pdq, quality, error }) =>
          error === null ? `${pdq ?? ""} ${quality ?? ""} ${sha256 ?? ""} ${path}` : `${path}: ${error}`,
        )
        .join("\n");
      createSay(options.json ?? false).result(hashes, text);
      if (hashes.some(({ error }) => error !== null)) process.exitCode = 1;
    });
}
