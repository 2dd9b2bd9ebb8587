import type { Buffer } from "node:buffer";
import { AnswerRefusedError, type Framing } from "./looseHead.js";

/** Takes a body apart; `push` is true when the body is whole, and what comes behind it is not looked at. */
export interface LooseBody {
  push(chunk: Buffer): boolean;
  /** The connection was closed. @throws AnswerRefusedError where the body was not whole */
  end(): void;
}

/** The longest line between chunks; Chrome's is the same. */
const maxLineBytes = 16 * 1024;
const maxTrailerBytes = 256 * 1024;

export function looseBody(framing: Framing, give: (bytes: Buffer) => void): LooseBody {
  switch (framing.kind) {
    case "none":
      return { push: () => true, end: () => undefined };
    case "close":
      return {
        push(chunk) {
          if (chunk.length > 0) give(chunk);
          return false;
        },
        end: () => undefined,
      };
    case "length":
      return measuredBody(framing.bytes, give);
    case "chunked":
      return new ChunkedBody(give);
  }
}

function measuredBody(bytes: number, give: (bytes: Buffer) => void): LooseBody {
  let left = bytes;
  return {
    push(chunk) {
      const part = chunk.subarray(0, left);
      left -= part.length;
      if (part.length > 0) give(part);
      return left === 0;
    },
    end() {
      if (left > 0) throw new AnswerRefusedError(`the connection closed ${left} bytes before the body's end`);
    },
  };
}

/** Chunks (RFC 9112 §7.1) whose lines may end in LF alone. */
class ChunkedBody implements LooseBody {
  #reads: "size" | "bytes" | "line end" | "trailer" = "size";
  #line = "";
  #left = 0;
  #trailerBytes = 0;

  constructor(private readonly give: (bytes: Buffer) => void) {}

  push(chunk: Buffer): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#reads === "bytes") {
        const part = chunk.subarray(at, at + this.#left);
        at += part.length;
        this.#left -= part.length;
        this.give(part);
        if (this.#left === 0) this.#reads = "line end";
        continue;
      }
      const end = chunk.indexOf(10, at);
      this.#line += chunk.toString("latin1", at, end < 0 ? chunk.length : end);
      if (this.#line.length > maxLineBytes) throw new AnswerRefusedError("a line between chunks is too long");
      if (end < 0) return false;
      at = end + 1;
      const line = this.#line.trim();
      this.#line = "";
      if (this.#lineEnds(line)) return true;
    }
    return false;
  }

  end(): void {
    throw new AnswerRefusedError("the connection closed before the last chunk");
  }

  /** True at the end of the body. */
  #lineEnds(line: string): boolean {
    if (this.#reads === "trailer") {
      this.#trailerBytes += line.length + 1;
      if (this.#trailerBytes > maxTrailerBytes) throw new AnswerRefusedError("the trailer is too long");
      return line === "";
    }
    if (this.#reads === "line end") {
      if (line !== "") throw new AnswerRefusedError("a chunk is longer than its size");
      this.#reads = "size";
      return false;
    }
    const size = /^0*([0-9a-f]{1,13})[ \t]*(;|$)/i.exec(line)?.[1];
    if (size === undefined) throw new AnswerRefusedError(`"${line.slice(0, 40)}" is no chunk's size`);
    this.#left = parseInt(size, 16);
    this.#reads = this.#left === 0 ? "trailer" : "bytes";
    return false;
  }
}
