import type { Buffer } from "node:buffer";
import type { MemberGroup } from "./groupSamples.js";

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

/** What can't be used of a shard, and why: nothing of it reaches the training. */
export interface QuarantinedMember {
  shard: string;
  /** Null where the damage is in the tar itself. */
  key: string | null;
  /** Byte of the tar. */
  offset: number;
  says: string;
}

const imageExtensions = ["jpg", "jpeg", "png", "webp", "gif", "avif", "tif", "tiff"];
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The sample of a group of members, or why it is none. */
export function sampleOfGroup({ key, members }: MemberGroup): ShardSample | { says: string } {
  const extension = imageExtensions.find((name) => members.has(name));
  if (extension === undefined) return { says: "no picture" };
  const image = members.get(extension) as Buffer;
  if (image.length === 0) return { says: "an empty picture" };
  let json: Record<string, unknown> | null = null;
  let text: string | null = null;
  try {
    const sidecar = members.get("json");
    if (sidecar !== undefined) json = JSON.parse(utf8.decode(sidecar)) as Record<string, unknown>;
    if (json !== null && (typeof json !== "object" || Array.isArray(json)))
      return { says: "KEY.json is no object" };
  } catch {
    return { says: "KEY.json can't be read" };
  }
  try {
    const caption = members.get("txt");
    if (caption !== undefined) text = utf8.decode(caption);
  } catch {
    return { says: "KEY.txt is not UTF-8" };
  }
  const caption = json?.["caption"];
  if (text === null && typeof caption === "string") text = caption;
  if (text === null) return { says: "no text" };
  return { key, image, extension, text, json };
}
