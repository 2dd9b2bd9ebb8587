import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { type BarEntry, type BarListRef, type DedupeSettings, UserError } from "@pairloom/config";
import { barLine } from "@pairloom/dedupe";
import { canonicalUrl } from "@pairloom/web";
import { textLines } from "./textLines.js";

/** `pairloom hash --json` prints all its pictures on one line. */
const maxLineBytes = 1 << 28;

/**
 * Reads a blocklist or a list of hashes: text or JSON lines, gzip undone where the name ends in .gz.
 * @throws UserError naming the file, and the line that is wrong
 */
export async function readBarFile(
  path: string,
  use: BarListRef["use"],
  { minQuality }: Pick<DedupeSettings, "minQuality">,
): Promise<BarEntry[]> {
  const entries: BarEntry[] = [];
  const file = createReadStream(path);
  const bytes = path.endsWith(".gz") ? pipeline(file, createGunzip(), () => undefined) : file;
  try {
    for await (const lines of textLines(bytes as AsyncIterable<Buffer>, maxLineBytes)) {
      for (const { number, text } of lines) {
        const line = number === 1 ? (text?.replace(/^\ufeff/, "") ?? null) : text;
        const found =
          line === null ? { error: "it is too long" } : barLine(line, { minQuality, canonicalUrl });
        if ("error" in found) throw wrong(path, number, found.error);
        const place = found.find(({ kind }) => kind === "domain" || kind === "url");
        if (use === "decontaminate" && place !== undefined)
          throw wrong(path, number, `evaluation pictures are named by hashes, not by a ${place.kind}`);
        for (const entry of found) entries.push(entry);
      }
    }
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError("list_unreadable", `The list ${path} can't be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  return entries;
}

function wrong(path: string, line: number, what: string): UserError {
  return new UserError("list_invalid", `${path}, line ${line}: ${what}`, {
    hint: "docs/dedupe.md shows what a list may hold.",
  });
}
