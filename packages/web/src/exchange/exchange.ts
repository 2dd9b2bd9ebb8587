import type { Reason } from "@pairloom/config";
import { type Dispatcher, errors } from "undici";
import { contentCodings, inflater, InflatedTooLargeError, isPlain, type Inflater } from "./inflate.js";
import { Body } from "./body.js";
import { reasonOfError } from "./reasonOfError.js";

/** Lower-case names; a header that came several times is an array. */
export type Headers = Record<string, string | string[] | undefined>;

export interface ExchangeLimits {
  /** Wall clock from the connection to the last byte. */
  timeoutMs: number;
  maxBytes: number;
  maxInflatedBytes: number;
}

export interface ExchangeRequest {
  url: URL;
  headers: Record<string, string>;
  limits: ExchangeLimits;
  signal: AbortSignal | null;
  /** Looks at the head of an answer: true reads the body, false leaves it. */
  wantsBody(httpStatus: number, headers: Headers): boolean;
  /** Asked when the request is about to be written to a connection; false: it is not. */
  maySend?(): boolean;
  /** Cuts the body at `maxBytes` in place of refusing it. */
  cutBody?: boolean;
  /** What is asked for is a text: where it can be read as it came, no coding is undone, whatever its label says. */
  isText?: boolean;
}

export type Exchanged =
  | { ok: true; httpStatus: number; headers: Headers; body: Body | null; wireBytes: number }
  | {
      ok: false;
      reason: Reason;
      errorMessage: string;
      httpStatus: number | null;
      headers: Headers | null;
      /**
       * Worth one more try: nothing was written, or to a kept connection that the server had closed meanwhile, or
       * undici's parser refused what a looser one may take.
       */
      again: "unsent" | "stale" | "loose" | null;
    };

/** Writes one request and tells its handler what comes: undici's agent, or ours for loose answers. */
export interface RequestSender {
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean;
}

/** Bodies nobody wants are read to their end up to this size, so that the connection lives on. */
const drainBytes = 64 * 1024;

/** 1xx answers before the real one: more than a few are a way to keep us busy. */
const maxInterim = 10;

/** How an exchange tells itself to stop where that is nobody's failure. */
type Control = "left" | "cut" | "unsent";
const controls: ReadonlySet<string> = new Set<Control>(["left", "cut", "unsent"]);

class Stop extends Error {
  constructor(
    readonly reason: Reason | Control,
    message: string,
  ) {
    super(message);
  }
}

const isFailure = (reason: Reason | Control): reason is Reason => !controls.has(reason);

/**
 * One GET, one answer, no redirects: everything that is capped is capped here, as it happens. Expected outcomes are
 * values; only the caller's own abort rejects.
 */
export function exchange(sender: RequestSender, request: ExchangeRequest): Promise<Exchanged> {
  const { url, limits, signal } = request;
  return new Promise((resolve, reject) => {
    let gathered: Body | null = null;
    let controller: Dispatcher.DispatchController | null = null;
    let httpStatus: number | null = null;
    let headers: Headers | null = null;
    let reading = false;
    let wireBytes = 0;
    let interim = 0;
    let inflate: Inflater | null = null;
    let inflating: Promise<void> = Promise.resolve();
    let settled = false;

    const finish = (deliver: () => void): void => {
      if (settled) return;
      settled = true;
      clearTimeout(clock);
      signal?.removeEventListener("abort", onAbort);
      deliver();
    };
    const succeed = (body: Body | null): void => {
      finish(() =>
        resolve({ ok: true, httpStatus: httpStatus ?? 0, headers: headers ?? {}, body, wireBytes }),
      );
    };
    const fail = (error: unknown): void => {
      const stopped = error instanceof Stop ? error.reason : null;
      const [said, errorMessage] =
        error instanceof Stop && isFailure(error.reason)
          ? [error.reason, error.message]
          : reasonOfError(error);
      const reason = said === "connect_failed" && httpStatus !== null ? "protocol_error" : said;
      const stale = httpStatus === null && error instanceof errors.SocketError && hasRead(error);
      const loose = isParserRefusal(error, httpStatus);
      const again = stopped === "unsent" ? "unsent" : loose ? "loose" : stale ? "stale" : null;
      inflate?.destroy();
      finish(() => resolve({ ok: false, reason, errorMessage, httpStatus, headers, again }));
    };
    const stop = (error: Stop): void => {
      if (error.reason === "left") succeed(null);
      else if (error.reason === "cut") succeed(inflate === null ? gathered : inflate.taken());
      else fail(error);
      inflate?.destroy();
      controller?.abort(error);
    };
    const onInflateError = (error: unknown): void => {
      if (settled) return;
      const enough = request.cutBody === true && error instanceof InflatedTooLargeError;
      stop(enough ? new Stop("cut", "the rest is not wanted") : asStop(error));
    };
    const onAbort = (): void => {
      finish(() => reject(signal?.reason as Error));
      inflate?.destroy();
      controller?.abort(new Stop("left", "aborted"));
    };
    const clock = setTimeout(
      () => stop(new Stop("timeout", `more than ${limits.timeoutMs} ms`)),
      limits.timeoutMs,
    );
    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started;
        if (settled) started.abort(new Stop("left", "too late"));
        // Thrown, not aborted: the connection stays for whoever writes next.
        else if (request.maySend?.() === false) throw new Stop("unsent", "the leave to send was too old");
      },
      onResponseStart(_controller, status, answered) {
        if (settled) return;
        if (status < 200) {
          if (++interim > maxInterim) {
            stop(new Stop("protocol_error", `more than ${maxInterim} interim answers`));
          }
          return;
        }
        httpStatus = status;
        headers = answered;
        const declared = Number(one(headers["content-length"]) ?? NaN);
        reading = request.wantsBody(status, headers);
        if (!reading) {
          if (declared > drainBytes) stop(new Stop("left", "the body is not wanted"));
          return;
        }
        if (declared > limits.maxBytes && request.cutBody !== true) {
          return stop(new Stop("too_large", `${declared} bytes announced, ${limits.maxBytes} allowed`));
        }
        const encoding = headers["content-encoding"];
        const codings = contentCodings([encoding ?? []].flat().join(","));
        if (codings === null) {
          return stop(new Stop("coding_refused", `content coding "${String(encoding).slice(0, 40)}"`));
        }
        if (codings.length > 0) {
          const { maxBytes, maxInflatedBytes } = limits;
          inflate = inflater(codings, request.cutBody === true ? maxBytes : maxInflatedBytes);
        } else gathered = new Body(declared);
      },
      onResponseData(_controller, chunk) {
        if (settled) return;
        wireBytes += chunk.length;
        if (!reading) {
          if (wireBytes > drainBytes) stop(new Stop("left", "the body is not wanted"));
          return;
        }
        if (wireBytes > limits.maxBytes) {
          if (request.cutBody !== true) {
            return stop(new Stop("too_large", `more than ${limits.maxBytes} bytes`));
          }
          gathered?.push(chunk.subarray(0, chunk.length - (wireBytes - limits.maxBytes)));
          return stop(new Stop("cut", "the rest is not wanted"));
        }
        if (request.isText === true && wireBytes === chunk.length && inflate !== null && isPlain(chunk)) {
          inflate = null;
          gathered = new Body();
        }
        if (inflate === null) {
          gathered?.push(chunk);
          return;
        }
        // No pause: what waits to be inflated is bounded by maxBytes, and undici 7.30 on Node 22 reads a body that was
        // paused over and over.
        const target = inflate;
        inflating = inflating.then(() => target.write(chunk)).catch(onInflateError);
      },
      onResponseEnd() {
        if (settled) return;
        if (!reading) return succeed(null);
        if (inflate === null) return succeed(gathered);
        const target = inflate;
        inflating.then(() => target.end()).then(succeed, onInflateError);
      },
      onResponseError(_controller, error) {
        if (!settled) fail(error);
      },
    };
    try {
      sender.dispatch(
        {
          origin: url.origin,
          path: url.pathname + url.search,
          method: "GET",
          headers: request.headers,
          // The wall clock above rules; undici's own clocks would count otherwise.
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        handler,
      );
    } catch (error) {
      fail(error);
    }
  });
}

/** The first value of a header. */
export function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** True where the connection had carried an answer before this request. */
function hasRead(error: { socket?: unknown }): boolean {
  const socket = error.socket as { bytesRead?: number } | null | undefined;
  return (socket?.bytesRead ?? 0) > 0;
}

/**
 * True where undici's parser, which is strict, refused an answer or its head was too large for it. A body that was cut
 * off is no such case. The parser puts equal lengths together and then misses bytes, and takes a lone 100 for a bad
 * answer.
 */
function isParserRefusal(error: unknown, httpStatus: number | null): boolean {
  if (error instanceof errors.HTTPParserError) return error.code !== "HPE_INVALID_EOF_STATE";
  if (httpStatus !== null) return false;
  if (error instanceof errors.HeadersOverflowError) return true;
  if (error instanceof errors.ResponseContentLengthMismatchError) return true;
  return error instanceof errors.SocketError && error.message === "bad response";
}

function asStop(error: unknown): Stop {
  if (error instanceof InflatedTooLargeError) return new Stop("inflated_too_large", error.message);
  return new Stop(
    "protocol_error",
    `decompression: ${error instanceof Error ? error.message : String(error)}`,
  );
}
