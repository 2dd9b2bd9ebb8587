import { Buffer, isAscii, isUtf8 } from "node:buffer";
import { pictureExtensions } from "@pairloom/config";
import type { TarEntry } from "../tar/tarEntry.js";
import type { MemberGroup } from "./groupSamples.js";
import { isJsonObject } from "./isJsonObject.js";
import type { QuarantineReason } from "./quarantine.js";

/** One sample of a shard, not decoded. */
export interface ShardSample {
  readonly key: string;
  /** The picture's bytes as stored. */
  readonly image: Buffer;
  /** "jpg", "jpeg", "png", "webp", "gif", "avif", "tif", "tiff". */
  readonly extension: string;
  /** KEY.txt, or the caption of KEY.json where there is none. */
  readonly text: string;
  /** KEY.json; null where there is none. */
  readonly json: Record<string, unknown> | null;
}

/**
 * A sample as it is read: known to be good, but its bytes, text and record are taken out of the shard's chunk when they
 * are first asked for. It holds that chunk, some megabytes: keep a `copyOfSample` for long.
 */
export class StoredSample implements ShardSample {
  private view: Buffer | null = null;
  private caption: string | null = null;
  private parsed: Record<string, unknown> | null = null;

  /**
   * @param picture KEY.jpg or its like
   * @param record KEY.json, where there is one: an object's JSON
   * @param txt KEY.txt in UTF-8; without it the record has a caption
   */
  constructor(
    readonly key: string,
    readonly extension: string,
    private readonly picture: TarEntry,
    private readonly record: TarEntry | undefined,
    private readonly txt: TarEntry | undefined,
  ) {}

  get image(): Buffer {
    return (this.view ??= this.picture.data);
  }

  get text(): string {
    return (this.caption ??= this.txt === undefined ? (this.json?.["caption"] as string) : textOf(this.txt));
  }

  get json(): Record<string, unknown> | null {
    if (this.record === undefined) return null;
    return (this.parsed ??= JSON.parse(textOf(this.record)) as Record<string, unknown>);
  }
}

/** A sample by itself: nothing of the shard is held for its sake. */
export const copyOfSample = ({ key, extension, image, text, json }: ShardSample): ShardSample => ({
  key,
  image: Buffer.from(image),
  extension,
  text,
  json,
});

/** Up to so many bytes are looked at here, which costs less than a call out of JavaScript. */
const fewBytes = 256;

function isPlain({ chunk, at, size }: TarEntry): boolean {
  let bits = 0;
  for (let i = at; i < at + size; i++) bits |= chunk[i] as number;
  return bits < 128;
}

const isText = (entry: TarEntry): boolean => (entry.size <= fewBytes && isPlain(entry)) || isUtf8(entry.data);

const textOf = ({ data }: TarEntry): string => data.toString(isAscii(data) ? "latin1" : "utf8");

/** Texts and records beyond this are none of a picture's; parsing one would hold the event loop. */
const maxSidecarBytes = 4 << 20;

/** Why a group of members is no sample. */
export interface NoSample {
  reason: QuarantineReason;
  says: string;
}

function isObject(json: unknown): json is Record<string, unknown> {
  return json !== null && typeof json === "object" && !Array.isArray(json);
}

/** Why a record can't be used; null where it can. */
function whyNoRecord(record: TarEntry): NoSample | null {
  const { chunk, at, size } = record;
  if (isJsonObject(chunk, at, at + size)) return null;
  try {
    if (!isUtf8(record.data)) throw new TypeError("not UTF-8");
    if (isObject(JSON.parse(textOf(record)))) return null;
    return { reason: "record_unreadable", says: "KEY.json is no object" };
  } catch {
    return { reason: "record_unreadable", says: "KEY.json can't be read" };
  }
}

/** The sample of a group of members, or why it is none. */
export function sampleOfGroup(group: MemberGroup): StoredSample | NoSample {
  let picture: TarEntry | undefined;
  let extension = "";
  for (extension of pictureExtensions) {
    picture = group.entry(extension);
    if (picture !== undefined) break;
  }
  if (picture === undefined) return { reason: "no_picture", says: "no picture" };
  if (picture.size === 0) return { reason: "empty_picture", says: "an empty picture" };
  const [record, caption] = [group.entry("json"), group.entry("txt")];
  if (Math.max(record?.size ?? 0, caption?.size ?? 0) > maxSidecarBytes)
    return { reason: "sidecar_too_large", says: `a text or record of more than ${maxSidecarBytes} bytes` };
  const wrong = record === undefined ? null : whyNoRecord(record);
  if (wrong !== null) return wrong;
  if (caption !== undefined && !isText(caption))
    return { reason: "text_unreadable", says: "KEY.txt is not UTF-8" };
  const sample = new StoredSample(group.key, extension, picture, record, caption);
  if (caption === undefined && typeof sample.json?.["caption"] !== "string")
    return { reason: "no_text", says: "no text" };
  return sample;
}
