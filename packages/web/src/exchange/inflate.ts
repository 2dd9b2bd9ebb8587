import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import { Body } from "./body.js";

const { constants } = zlib;

/** Node has it from 22.15 on. */
const { createZstdDecompress } = zlib as { createZstdDecompress?: (options: zlib.ZlibOptions) => Transform };

/** Codings of IANA's registry, and whether they can be undone here. Other names name no coding. */
const registered: Readonly<Record<string, boolean>> = {
  gzip: true,
  deflate: true,
  br: true,
  zstd: createZstdDecompress !== undefined,
  aes128gcm: false,
  compress: false,
  dcb: false,
  dcz: false,
  exi: false,
  "pack200-gzip": false,
};

export interface Inflater {
  /** Takes wire bytes; resolves when more are welcome. @throws what zlib says of broken data */
  write(chunk: Buffer): Promise<void>;
  /** All inflated bytes. */
  end(): Promise<Body>;
  /** What has come out so far, `maxBytes` at most. */
  taken(): Body;
  destroy(): void;
}

/** Inflated bytes passed the cap; `code` is "INFLATED_TOO_LARGE". */
export class InflatedTooLargeError extends Error {
  readonly code = "INFLATED_TOO_LARGE";
}

/**
 * The codings of a Content-Encoding header in the order they were applied. A name that is no coding ("none", "utf-8",
 * "aws-chunked") leaves the bytes as they are (Fetch standard, handle content codings).
 *
 * @returns null where one of them can't be undone here, or there are too many
 */
export function contentCodings(header: string): string[] | null {
  const names = header
    .toLowerCase()
    .split(",")
    .map((name) => name.trim().replace(/^x-/, ""))
    .filter((name) => Object.hasOwn(registered, name));
  return names.every((name) => registered[name]) && names.length <= 3 ? names : null;
}

/** True where a body that is labelled with a coding begins as plain ASCII text, as nothing that was coded does. */
export function isPlain(first: Buffer): boolean {
  const isZlib = ((first[0] ?? 0) & 0x0f) === 8 && first.length > 1 && first.readUInt16BE(0) % 31 === 0;
  return (
    !isZlib &&
    first.length >= 8 &&
    /^(\xef\xbb\xbf)?[\t\n\r\x20-\x7e]*$/.test(first.toString("latin1", 0, 64))
  );
}

/**
 * Undoes content codings while bytes arrive and stops as soon as more than `maxBytes` have come out: a bomb costs its
 * wire bytes and one chunk. A missing gzip trailer is forgiven as browsers do.
 */
export function inflater(codings: readonly string[], maxBytes: number): Inflater {
  let decoders: Transform[] = [];
  const out = new Body();
  let failure: Error | null = null;
  let wake: (() => void) | null = null;

  const fail = (error: Error): void => {
    failure ??= error;
    for (const decoder of decoders) decoder.destroy();
    wake?.();
  };

  const start = (first: Buffer): void => {
    decoders = codings.toReversed().map((coding, i) => decoderFor(coding, i === 0 ? first : null));
    for (const [i, decoder] of decoders.entries()) {
      decoder.on("error", fail);
      const next = decoders[i + 1];
      if (next !== undefined) decoder.pipe(next);
    }
    decoders.at(-1)?.on("data", (chunk: Buffer) => {
      const beyond = Math.max(0, out.length + chunk.length - maxBytes);
      out.push(chunk.subarray(0, chunk.length - beyond));
      if (beyond > 0) fail(new InflatedTooLargeError(`more than ${maxBytes} bytes after decompression`));
    });
  };

  const waitFor = (decoder: Transform, event: "drain" | "end"): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (): void => {
        wake = null;
        if (failure === null) resolve();
        else reject(failure);
      };
      wake = settle;
      if (failure !== null) settle();
      else decoder.once(event, settle);
    });

  return {
    async write(chunk) {
      if (decoders.length === 0) start(chunk);
      if (failure !== null) throw failure;
      const head = decoders[0];
      if (head !== undefined && !head.write(chunk)) await waitFor(head, "drain");
    },
    async end() {
      const head = decoders[0];
      const tail = decoders.at(-1);
      if (head === undefined || tail === undefined) return out;
      const ended = waitFor(tail, "end");
      head.end();
      await ended;
      return out;
    },
    taken: () => out,
    destroy() {
      for (const decoder of decoders) decoder.destroy();
    },
  };
}

function decoderFor(coding: string, first: Buffer | null): Transform {
  const lenient = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
  if (coding === "br") {
    return zlib.createBrotliDecompress({
      flush: constants.BROTLI_OPERATION_FLUSH,
      finishFlush: constants.BROTLI_OPERATION_FLUSH,
    });
  }
  if (coding === "zstd" && createZstdDecompress !== undefined) {
    const { ZSTD_d_windowLogMax = 100 } = constants as { ZSTD_d_windowLogMax?: number };
    // RFC 9659: a window of 8 MiB at most.
    const params = { [ZSTD_d_windowLogMax]: 23 };
    return createZstdDecompress({ params } as zlib.ZlibOptions);
  }
  if (coding === "gzip") return zlib.createGunzip(lenient);
  // "deflate" means zlib's wrapper (RFC 9110 §8.4.1.2); some servers send the bare stream.
  const wrapped = first === null || ((first[0] ?? 0) & 0x0f) === 8;
  return wrapped ? zlib.createInflate(lenient) : zlib.createInflateRaw(lenient);
}
