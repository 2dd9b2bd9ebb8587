import { Buffer } from "node:buffer";
import { errors } from "undici";
import { looseBody, type LooseBody } from "./looseBody.js";
import {
  AnswerRefusedError,
  framingOf,
  maxHeadBytes,
  mayBeHead,
  parseLooseHead,
  type LooseHead,
} from "./looseHead.js";

export interface LooseAnswerEvents {
  /** A head has come; false: nothing more of the answer is wanted. */
  head(head: LooseHead): boolean;
  data(bytes: Buffer): void;
}

/** Takes the answer to one request apart as its bytes come: heads of interim answers, the head, the body. */
export class LooseAnswer {
  #head: Buffer = Buffer.alloc(0);
  #body: LooseBody | null = null;

  constructor(private readonly events: LooseAnswerEvents) {}

  get isInBody(): boolean {
    return this.#body !== null;
  }

  /** True when nothing more is to come. @throws AnswerRefusedError, errors.HeadersOverflowError */
  push(chunk: Buffer): boolean {
    let rest: Buffer | null = chunk;
    while (this.#body === null) {
      rest = this.#behindHead(rest);
      if (rest === null) return false;
      const head = parseLooseHead(this.#head.toString("latin1"));
      this.#head = Buffer.alloc(0);
      if (head.httpStatus === 101) throw new AnswerRefusedError("another protocol, which nobody asked for");
      const framing = framingOf(head);
      // What no longer holds is not to be read by those behind us.
      delete head.headers["content-length"];
      if (framing.kind === "length") head.headers["content-length"] = String(framing.bytes);
      if (!this.events.head(head)) return true;
      if (head.httpStatus >= 200) this.#body = looseBody(framing, (bytes) => this.events.data(bytes));
    }
    // An empty piece ends a body of no bytes.
    return this.#body.push(rest);
  }

  /** The connection was closed. @throws AnswerRefusedError where the answer was not whole */
  end(): void {
    if (this.#body === null) throw new AnswerRefusedError("the connection closed before the head's end");
    this.#body.end();
  }

  /** Adds to the head; what comes behind its empty line, or null where that is still to come. */
  #behindHead(chunk: Buffer): Buffer | null {
    const from = Math.max(0, this.#head.length - 2);
    const all = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
    const [end, next] = emptyLine(all, from);
    this.#head = all.subarray(0, end);
    if (this.#head.length > maxHeadBytes) throw new errors.HeadersOverflowError();
    if (!mayBeHead(this.#head.toString("latin1", 0, 64))) throw new AnswerRefusedError("no HTTP answer");
    return next === null ? null : all.subarray(next);
  }
}

/** Where the line before the first empty line ends, and where the text behind it begins; null where there is none. */
function emptyLine(bytes: Buffer, from: number): [end: number, next: number | null] {
  for (let at = bytes.indexOf(10, from); at >= 0; at = bytes.indexOf(10, at + 1)) {
    const next = bytes[at + 1] === 13 ? at + 2 : at + 1;
    // Line ends before the status line don't end the head.
    if (bytes[next] === 10 && /\S/.test(bytes.toString("latin1", 0, Math.min(at, 64)))) return [at, next + 1];
  }
  return [bytes.length, null];
}
