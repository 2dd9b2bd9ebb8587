import { Buffer, isAscii, isUtf8 } from "node:buffer";
import { isObject } from "@pairloom/config/isObject";
import { pictureExtensions } from "@pairloom/config/pictureName";
import { parsePythonJson } from "@pairloom/config/pythonJson";
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
  /** KEY.json; null where there is none that can be used. NaN and the infinities, as Python writes them, are null in it. */
  readonly json: Record<string, unknown> | null;
}

/**
 * A sample as it is read: known to be good, but its bytes, text and record are taken out of the shard's chunk when they
 * are asked for. It holds that chunk, some megabytes: keep a `copyOfSample` for long. Of its members it keeps places
 * alone: a shuffle buffer's thousands of samples are then few objects to the garbage collector, which every chunk wakes.
 */
export class StoredSample implements ShardSample {
  private readonly pictureChunk: Buffer;
  private readonly pictureAt: number;
  private readonly pictureEnd: number;
  private readonly recordChunk: Buffer | null;
  private readonly recordAt: number;
  private readonly recordEnd: number;
  private readonly textChunk: Buffer | null;
  private readonly textAt: number;
  private readonly textEnd: number;
  private parsed: Record<string, unknown> | null = null;

  /**
   * @param picture KEY.jpg or its like
   * @param record KEY.json, where there is one: an object's JSON, or Python's
   * @param text KEY.txt in UTF-8; without it the record has a caption
   */
  constructor(
    readonly key: string,
    readonly extension: string,
    picture: TarEntry,
    record: TarEntry | undefined,
    text: TarEntry | undefined,
  ) {
    this.pictureChunk = picture.chunk;
    this.pictureAt = picture.at;
    this.pictureEnd = picture.at + picture.size;
    this.recordChunk = record?.chunk ?? null;
    this.recordAt = record?.at ?? 0;
    this.recordEnd = this.recordAt + (record?.size ?? 0);
    this.textChunk = text?.chunk ?? null;
    this.textAt = text?.at ?? 0;
    this.textEnd = this.textAt + (text?.size ?? 0);
  }

  /** A new view of the bytes each time. */
  get image(): Buffer {
    return this.pictureChunk.subarray(this.pictureAt, this.pictureEnd);
  }

  get text(): string {
    if (this.textChunk === null) return this.json?.["caption"] as string;
    return this.textChunk.toString("utf8", this.textAt, this.textEnd);
  }

  get json(): Record<string, unknown> | null {
    if (this.recordChunk === null) return null;
    return (this.parsed ??= parsePythonJson(
      textOf(this.recordChunk.subarray(this.recordAt, this.recordEnd)),
    ) as Record<string, unknown>);
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

const textOf = (bytes: Buffer): string => bytes.toString(isAscii(bytes) ? "latin1" : "utf8");

/** Texts and records beyond this are none of a picture's; parsing one would hold the event loop. */
export const maxSidecarBytes = 4 << 20;

/** Why a group of members is no sample. */
export interface NoSample {
  reason: QuarantineReason;
  says: string;
}

/** Why the record of a sample is dropped. */
export interface NoRecord {
  /** False where it is sound JSON that says nothing of a sample, or empty. */
  damaged: boolean;
  says: string;
}

/** Why a record can't be used; null where it can. */
function whyNoRecord(record: TarEntry): NoRecord | null {
  const { chunk, at, size } = record;
  if (size === 0) return { damaged: false, says: "KEY.json is empty" };
  if (size > maxSidecarBytes)
    return { damaged: true, says: `KEY.json has more than ${maxSidecarBytes} bytes` };
  if (isJsonObject(chunk, at, at + size)) return null;
  if (!isUtf8(record.data)) return { damaged: true, says: "KEY.json is not UTF-8" };
  try {
    const isRecord = isObject(parsePythonJson(textOf(record.data)));
    return isRecord ? null : { damaged: false, says: "KEY.json is no object" };
  } catch {
    return { damaged: true, says: "KEY.json can't be read" };
  }
}

/** Why a group has no picture. */
function whyNoPicture({ key, members }: MemberGroup): string {
  const name = key.slice(key.lastIndexOf("/") + 1);
  for (const extension of members.keys()) {
    const last = extension.slice(extension.lastIndexOf(".") + 1);
    if (last !== extension && (pictureExtensions as readonly string[]).includes(last))
      return `no picture: a key ends at the first dot, so ${name}.${extension} is its “${extension}” (name files without further dots)`;
  }
  return "no picture";
}

/**
 * The sample of a group of members, or why it is none. The pair is picture and text: a record that can't be used costs it
 * nothing where there is a text.
 *
 * @param onDropped told why the record of a sample was dropped
 */
export function sampleOfGroup(
  group: MemberGroup,
  onDropped: (why: NoRecord) => void = () => {},
): StoredSample | NoSample {
  let picture: TarEntry | undefined;
  let extension = "";
  for (extension of pictureExtensions) {
    picture = group.entry(extension);
    if (picture !== undefined) break;
  }
  if (picture === undefined) return { reason: "no_picture", says: whyNoPicture(group) };
  if (picture.size === 0) return { reason: "empty_picture", says: "an empty picture" };
  const [record, caption] = [group.entry("json"), group.entry("txt")];
  const wrong = record === undefined ? null : whyNoRecord(record);
  if (caption !== undefined && caption.size > maxSidecarBytes)
    return { reason: "sidecar_too_large", says: `a text of more than ${maxSidecarBytes} bytes` };
  if (caption !== undefined && !isText(caption))
    return { reason: "text_unreadable", says: "KEY.txt is not UTF-8" };
  if (caption === undefined && record !== undefined && wrong !== null) {
    const reason = record.size > maxSidecarBytes ? "sidecar_too_large" : "record_unreadable";
    return { reason, says: `no text, and ${wrong.says}` };
  }
  const sample = new StoredSample(
    group.key,
    extension,
    picture,
    wrong === null ? record : undefined,
    caption,
  );
  if (caption === undefined && typeof sample.json?.["caption"] !== "string")
    return { reason: "no_text", says: "no text" };
  if (wrong !== null) onDropped(wrong);
  return sample;
}
