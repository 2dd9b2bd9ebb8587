/** How an S3 service is reached. What is left out comes from where the AWS tools have it: environment, profile, instance. */
export interface S3Settings {
  /** "http://127.0.0.1:9000": a service that isn't Amazon's; buckets are then asked for by path. */
  endpoint?: string;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  /** A connection on which no byte moved for so long is given up and the request made again. */
  stallMs?: number;
  /** Tries of a request, the first included. */
  attempts?: number;
  /** Wait before the second try at most; it doubles with each further one. */
  backoffMs?: number;
  /** What is larger is uploaded in parts of this size (from 5 MiB on, by S3's rules). */
  partBytes?: number;
}

export const s3Defaults = {
  stallMs: 60_000,
  attempts: 8,
  backoffMs: 200,
  partBytes: 8 << 20,
} as const satisfies S3Settings;

const maxBackoffMs = 20_000;

/** How long to wait before try `number` (the second is 1) at most: random, so that many don't come back at once. */
export const backoffOf = (backoffMs: number, number: number): number =>
  Math.ceil(Math.random() * Math.min(maxBackoffMs, backoffMs * 2 ** (number - 1)));
