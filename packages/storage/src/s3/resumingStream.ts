import { Readable } from "node:stream";
import type { WholeChecksum } from "./wholeChecksum.js";

export interface ResumeOptions {
  /** Byte of the object that the first body begins with, and the one after the last that is wanted. */
  start: number;
  end: number;
  /** A new body from a byte on, of the same version of the object. */
  reopen: (at: number) => Promise<Readable>;
  /** How long to wait before try `number`. */
  backoff: (number: number) => number;
  /** Connections that may break one after the other without a byte. */
  attempts: number;
  stallMs: number;
  checksum: WholeChecksum | null;
  /** For messages. */
  where: string;
}

/**
 * The bytes of an object over as many connections as it takes: one that breaks, or on which nothing comes for `stallMs`,
 * is followed by another from the byte where it broke. Owns its body; ends with an error where bytes are not those stored.
 */
export class ResumingStream extends Readable {
  private body: Readable | null = null;
  private at: number;
  private failures = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    first: Readable,
    private readonly options: ResumeOptions,
  ) {
    super({ highWaterMark: 1 << 18 });
    this.at = options.start;
    this.follow(first);
  }

  override _read(): void {
    this.watch();
    this.body?.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.leaveBody();
    done(error);
  }

  private follow(body: Readable): void {
    this.body = body;
    body.pause();
    body.on("data", (chunk: Buffer) => this.pass(chunk));
    const ended = (error?: Error) => {
      if (this.body === body) this.broke(error ?? new Error("the connection ended early"));
    };
    body.once("end", ended);
    body.once("close", ended);
    // Stays on for what comes after a connection was given up.
    body.on("error", ended);
  }

  private pass(chunk: Buffer): void {
    const piece = chunk.subarray(0, this.options.end - this.at);
    this.at += piece.length;
    this.failures = 0;
    this.options.checksum?.update(piece);
    if (this.push(piece)) {
      this.watch();
    } else {
      clearTimeout(this.timer);
      this.body?.pause();
    }
  }

  /** A connection is over: the object's end, or the next connection. */
  private broke(error: Error): void {
    this.leaveBody();
    const { end, checksum, where, attempts, backoff, reopen } = this.options;
    if (this.at >= end) {
      if (checksum?.matches() === false)
        this.destroy(new Error(`${where} is damaged: its checksum is another`));
      else this.push(null);
      return;
    }
    this.failures++;
    if (this.failures >= attempts) {
      this.destroy(new Error(`${where} broke off at byte ${this.at}, ${attempts} times: ${error.message}`));
      return;
    }
    this.timer = setTimeout(() => {
      reopen(this.at).then(
        (body) => {
          if (this.destroyed) return void body.destroy();
          this.follow(body);
          this._read();
        },
        (cause: unknown) => this.destroy(cause as Error),
      );
    }, backoff(this.failures));
  }

  /** Gives a connection up on which nothing comes. */
  private watch(): void {
    if (this.body === null) return;
    clearTimeout(this.timer);
    const { stallMs } = this.options;
    this.timer = setTimeout(() => this.broke(new Error(`nothing came for ${stallMs} ms`)), stallMs);
  }

  private leaveBody(): void {
    clearTimeout(this.timer);
    const { body } = this;
    this.body = null;
    body?.destroy();
  }
}
