import { randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { explainS3Error, statusOfS3Error } from "./explainS3Error.js";
import { backoffOf, type S3Settings } from "./s3Settings.js";
import { wholeChecksum, type WholeChecksum } from "./wholeChecksum.js";

/** Who wrote an object: tells our own write, whose answer was lost, from another's. */
export const writerField = "pairloom-writer";

export interface ObjectBody {
  body: Readable;
  /** The bytes that are coming: from `start` to `end` of the object. */
  start: number;
  end: number;
  etag: string | undefined;
  /** Of the whole object; null for a part of it. */
  checksum: WholeChecksum | null;
}

export type Written = "written" | "exists";

/** An answer that is expected and no error. */
export class Refusal {
  constructor(
    readonly status: number,
    readonly error: unknown,
  ) {}
}

/** One bucket's requests. Errors that are the user's to mend come out as UserErrors. */
export class S3Bucket {
  constructor(
    readonly client: S3Client,
    readonly bucket: string,
    readonly settings: S3Settings & {
      stallMs: number;
      attempts: number;
      backoffMs: number;
      partBytes: number;
    },
    /** Ends requests that are under way. */
    readonly signal: AbortSignal,
  ) {}

  /** Writes an object in one request; with `onlyIfNew` it is "exists" where there is one. */
  async put(key: string, body: Uint8Array, options: { onlyIfNew: boolean }): Promise<Written> {
    const writer = randomUUID();
    const condition = options.onlyIfNew ? { IfNoneMatch: "*" } : {};
    const send = () =>
      this.client.send(
        new PutObjectCommand({
          Bucket: this.bucket,
          Key: key,
          Body: body,
          Metadata: { [writerField]: writer },
          ...condition,
        }),
        { abortSignal: this.signal },
      );
    return this.settled(key, { ...options, writer }, send);
  }

  /** The bytes from `start` to `end` (exclusive); with an ETag of that version alone. */
  async get(
    key: string,
    { start, end, etag }: { start?: number; end?: number; etag?: string | undefined },
  ): Promise<ObjectBody | "missing" | "outOfRange" | "changed"> {
    const isPart = start !== undefined || end !== undefined;
    const range = isPart
      ? { Range: `bytes=${start ?? 0}-${end === undefined ? "" : Math.max(0, end - 1)}` }
      : {};
    const got = await this.answered([404, 412, 416], key, () =>
      this.client.send(
        new GetObjectCommand({
          Bucket: this.bucket,
          Key: key,
          ...range,
          ...(etag === undefined ? {} : { IfMatch: etag }),
        }),
        { abortSignal: this.signal },
      ),
    );
    if (got instanceof Refusal)
      return got.status === 404 ? "missing" : got.status === 412 ? "changed" : "outOfRange";
    const body = got.Body as unknown as Readable;
    const given = /^bytes (\d+)-(\d+)\//.exec(got.ContentRange ?? "");
    const from = given === null ? 0 : Number(given[1]);
    const until = given === null ? (got.ContentLength ?? 0) : Number(given[2]) + 1;
    if (from !== (start ?? 0) || (etag !== undefined && got.ETag !== etag)) {
      body.destroy();
      if (from === (start ?? 0)) return "changed";
      throw new Error(`${this.urlOf(key)}: the service answers other bytes than it was asked for`);
    }
    return {
      body,
      start: from,
      end: Math.min(until, end ?? until),
      etag: got.ETag,
      checksum: isPart ? null : wholeChecksum(got),
    };
  }

  /** Size and writer; null where there is none. */
  async head(key: string): Promise<{ bytes: number; writer: string | undefined } | null> {
    const found = await this.answered([404], key, () =>
      this.client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }), {
        abortSignal: this.signal,
      }),
    );
    if (found instanceof Refusal) return null;
    return { bytes: found.ContentLength ?? 0, writer: found.Metadata?.[writerField] };
  }

  /** @param from the mark of the page before */
  async listPage(
    prefix: string,
    options: { isFlat: boolean; from: string | undefined; maxKeys?: number },
  ): Promise<{ objects: { key: string; bytes: number }[]; next: string | undefined }> {
    const page = await this.asked(prefix, () =>
      this.client.send(
        new ListObjectsV2Command({
          Bucket: this.bucket,
          Prefix: prefix,
          EncodingType: "url",
          ...(options.isFlat ? { Delimiter: "/" } : {}),
          ...(options.from === undefined ? {} : { ContinuationToken: options.from }),
          ...(options.maxKeys === undefined ? {} : { MaxKeys: options.maxKeys }),
        }),
        { abortSignal: this.signal },
      ),
    );
    const plain = (key: string) =>
      page.EncodingType === "url" ? decodeURIComponent(key.replaceAll("+", " ")) : key;
    const objects = (page.Contents ?? []).map(({ Key, Size }) => ({
      key: plain(Key ?? ""),
      bytes: Size ?? 0,
    }));
    return { objects, next: page.IsTruncated === true ? page.NextContinuationToken : undefined };
  }

  async delete(key: string): Promise<void> {
    await this.answered([404], key, () =>
      this.client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key }), {
        abortSignal: this.signal,
      }),
    );
  }

  urlOf(key: string): string {
    return `s3://${this.bucket}/${key}`;
  }

  /**
   * What became of a write. One whose answer was lost is tried again and then refused on account of itself, so a refusal
   * counts only where the object is another's; one that met another under way (409) is tried again.
   */
  async settled(
    key: string,
    { writer, onlyIfNew }: { writer: string; onlyIfNew: boolean },
    send: () => Promise<unknown>,
  ): Promise<Written> {
    for (let tries = 1; ; tries++) {
      const answer = await this.answered([404, 409, 412], key, send);
      if (!(answer instanceof Refusal)) return "written";
      const there = await this.head(key);
      if (there?.writer === writer) return "written";
      if (onlyIfNew && there !== null) return "exists";
      if (answer.status === 404 || tries >= this.settings.attempts)
        throw explainS3Error(answer.error, this.urlOf(key), this.bucket);
      await sleep(backoffOf(this.settings.backoffMs, tries), undefined, { signal: this.signal });
    }
  }

  /**
   * The answer, or one of the expected refusals.
   * @throws UserError; what the signal was aborted with; others as they come
   */
  async answered<T>(expected: number[], key: string, send: () => Promise<T>): Promise<T | Refusal> {
    try {
      return await send();
    } catch (error) {
      this.signal.throwIfAborted();
      const status = statusOfS3Error(error);
      if (status !== null && expected.includes(status) && (error as Error).name !== "NoSuchBucket")
        return new Refusal(status, error);
      throw explainS3Error(error, this.urlOf(key), this.bucket);
    }
  }

  /** The answer, where no refusal is expected. @throws as `answered` */
  async asked<T>(key: string, send: () => Promise<T>): Promise<T> {
    return (await this.answered([], key, send)) as T;
  }
}
