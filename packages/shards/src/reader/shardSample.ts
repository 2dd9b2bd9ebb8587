import { type Buffer, isAscii, isUtf8 } from "node:buffer";
import { pictureExtensions } from "@pairloom/config";
import type { MemberGroup } from "./groupSamples.js";
import type { QuarantineReason } from "./quarantine.js";

/** One sample of a shard, not decoded. */
export interface ShardSample {
  key: string;
  /** The picture's bytes as stored: perhaps a view of a larger buffer, so copy what you keep for long. */
  image: Buffer;
  /** "jpg", "jpeg", "png", "webp", "gif", "avif", "tif", "tiff". */
  extension: string;
  /** KEY.txt, or the caption of KEY.json where there is none. */
  text: string;
  /** KEY.json; null where there is none. */
  json: Record<string, unknown> | null;
}

/** @throws TypeError where the bytes are not UTF-8 */
function textOf(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString("latin1");
  if (!isUtf8(bytes)) throw new TypeError("not UTF-8");
  return bytes.toString("utf8");
}

/** Texts and records beyond this are none of a picture's; parsing one would hold the event loop. */
const maxSidecarBytes = 4 << 20;

/** Why a group of members is no sample. */
export interface NoSample {
  reason: QuarantineReason;
  says: string;
}

/** The sample of a group of members, or why it is none. */
export function sampleOfGroup({ key, members }: MemberGroup): ShardSample | NoSample {
  const extension = pictureExtensions.find((name) => members.has(name));
  if (extension === undefined) return { reason: "no_picture", says: "no picture" };
  const image = members.get(extension) as Buffer;
  if (image.length === 0) return { reason: "empty_picture", says: "an empty picture" };
  const [record, caption] = [members.get("json"), members.get("txt")];
  if (Math.max(record?.length ?? 0, caption?.length ?? 0) > maxSidecarBytes)
    return { reason: "sidecar_too_large", says: `a text or record of more than ${maxSidecarBytes} bytes` };
  let json: Record<string, unknown> | null = null;
  let text: string | null = null;
  try {
    if (record !== undefined) json = JSON.parse(textOf(record)) as Record<string, unknown>;
  } catch {
    return { reason: "record_unreadable", says: "KEY.json can't be read" };
  }
  if (record !== undefined && (json === null || typeof json !== "object" || Array.isArray(json)))
    return { reason: "record_unreadable", says: "KEY.json is no object" };
  try {
    if (caption !== undefined) text = textOf(caption);
  } catch {
    return { reason: "text_unreadable", says: "KEY.txt is not UTF-8" };
  }
  const inRecord = json?.["caption"];
  if (text === null && typeof inRecord === "string") text = inRecord;
  if (text === null) return { reason: "no_text", says: "no text" };
  return { key, image, extension, text, json };
}
