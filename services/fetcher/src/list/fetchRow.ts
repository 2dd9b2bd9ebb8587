import { createHash } from "node:crypto";
import type { Decoders } from "@pairloom/image/decoders";
import type { Body, Web, WebOk } from "@pairloom/web";
import type { ListSettings } from "./listSettings.js";
import type { UrlRow } from "./read/urlRow.js";
import { failedRow, type RowOutcome } from "./rowOutcome.js";

export interface RowContext {
  settings: ListSettings;
  web: Web;
  decoders: Decoders;
  signal: AbortSignal;
  /** Runs work on pictures, a few at a time. */
  decode: <T>(bytes: number, work: () => Promise<T>) => Promise<T>;
  /** Resolves when there is room for another body. */
  hold: () => Promise<void>;
}

/** Fetches one row's picture. What goes wrong with it is a reason; what rejects is everybody's end. */
export async function fetchRow(row: UrlRow, context: RowContext): Promise<RowOutcome> {
  const { web, signal, decode, hold } = context;
  if (row.malformed === true) return failedRow("row_malformed");
  const url = row.url?.trim() ?? "";
  if (url === "") return failedRow("url_invalid");
  const answer = await web.getImage(url, { signal, hold });
  if (answer.status !== "ok") return failedRow(answer.reason);
  return decode(answer.body.length, () => pictureOf(row, answer, context));
}

async function pictureOf(
  row: UrlRow,
  { body }: WebOk,
  { settings, decoders }: RowContext,
): Promise<RowOutcome> {
  const { verifyHash, computeHash } = settings;
  if (body.length === 0) return failedRow("empty_body");
  const hashed = computeHash === null || computeHash === "sha256" ? null : hashOf(computeHash, body);
  if (verifyHash !== null && row.hash !== (hashed ?? hashOf(verifyHash.hash, body)))
    return failedRow("hash_mismatch", body.length);
  const picture = await decoders.process(body.pieces);
  if (picture.status !== "ok") return failedRow(picture.reason, body.length);
  return {
    reason: null,
    picture: picture.bytes,
    width: picture.width,
    height: picture.height,
    originalWidth: picture.originalWidth,
    originalHeight: picture.originalHeight,
    exif: settings.extractExif ? (picture.exif ?? "{}") : null,
    hash: computeHash === null ? null : (hashed ?? picture.sha256),
    pdq: picture.pdq,
    pdqQuality: picture.pdqQuality,
    bytes: body.length,
  };
}

function hashOf(name: string, body: Body): string {
  const hash = createHash(name);
  for (const piece of body.pieces) hash.update(piece);
  return hash.digest("hex");
}
