import { setMaxListeners } from "node:events";
import { crc32 } from "node:zlib";
import type { CompletedPart } from "@aws-sdk/client-s3";
import { UserError } from "@pairloom/config/errors";
import type { S3Bucket, Written } from "./s3Bucket.js";
import { S3Upload } from "./s3Upload.js";
import { crc32Text } from "./wholeChecksum.js";

/** Parts under way at once: with the one being gathered they are what an upload holds in memory. */
const inFlight = 3;

/** S3's rule. */
export const maxParts = 10_000;

/** Uploads parts as they come and makes them one object; nothing of them is left where that fails or comes second. */
export async function uploadInParts(
  bucket: S3Bucket,
  key: string,
  parts: AsyncIterable<Uint8Array>,
  options: { onlyIfNew: boolean },
): Promise<Written> {
  const upload = await S3Upload.start(bucket, key);
  const failure = new AbortController();
  const signal = AbortSignal.any([failure.signal, bucket.signal]);
  setMaxListeners(0, signal);
  const done: CompletedPart[] = [];
  const running = new Set<Promise<void>>();
  let crc = 0;
  try {
    for await (const part of parts) {
      signal.throwIfAborted();
      const number = done.length + running.size + 1;
      if (number > maxParts) throw tooLarge(bucket, key);
      crc = crc32(part, crc);
      const one = upload
        .part(number, part, signal)
        .then((sent) => void done.push(sent))
        .catch((error: unknown) => failure.abort(failure.signal.reason ?? error))
        .finally(() => running.delete(one));
      running.add(one);
      while (running.size >= inFlight) await Promise.race(running);
    }
    await Promise.all(running);
    signal.throwIfAborted();
    done.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
    const written = await upload.complete(done, { ...options, crc: crc32Text(crc) });
    if (written === "exists") await upload.abort();
    return written;
  } catch (error) {
    failure.abort(error);
    await Promise.all(running);
    await upload.abort().catch((cause: unknown) => {
      if (bucket.signal.aborted) return;
      throw leftBehind(bucket, key, new AggregateError([error, cause], (error as Error).message));
    });
    throw error;
  }
}

function tooLarge(bucket: S3Bucket, key: string): UserError {
  const gibibytes = Math.floor((maxParts * bucket.settings.partBytes) / 2 ** 30);
  return new UserError("s3_too_large", `${bucket.urlOf(key)} is larger than ${gibibytes} GiB`, {
    hint: "What is written as a stream can't be larger; write it to a file first.",
  });
}

function leftBehind(bucket: S3Bucket, key: string, cause: AggregateError): UserError {
  return new UserError(
    "s3_upload_left",
    `${bucket.urlOf(key)} was not uploaded (${cause.message}), and its parts could not be removed`,
    {
      hint: "They are no object, but take space: let a lifecycle rule end incomplete uploads after a day (docs/storage.md).",
      cause,
    },
  );
}
