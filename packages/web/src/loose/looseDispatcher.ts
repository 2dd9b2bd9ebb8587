import type { Socket } from "node:net";
import type { buildConnector, Dispatcher } from "undici";
import type { RequestSender } from "../exchange/exchange.js";
import { LooseAnswer } from "./looseAnswer.js";
import { AnswerRefusedError } from "./looseHead.js";

type Handler = Dispatcher.DispatchHandler;

/** How long a connection waits to which nothing was written after all. */
const unusedMs = 10_000;

/**
 * Asks as undici's agent does, over the same connector, and reads the answer as browsers do where undici's parser
 * refuses it. A connection carries one request: where a loose answer ends is never so sure that the next one could be
 * told from it.
 */
export class LooseDispatcher implements RequestSender {
  readonly #sockets = new Set<Socket>();
  /** origin → a connection to which nothing was written yet, since the moment wasn't right when it stood */
  readonly #unused = new Map<string, { socket: Socket; timer: NodeJS.Timeout }>();
  #closed = false;

  constructor(private readonly connect: buildConnector.connector) {}

  dispatch({ origin, path, headers }: Dispatcher.DispatchOptions, handler: Handler): boolean {
    const url = new URL(String(origin));
    const lines = Object.entries(headers as Record<string, string>).map(
      ([name, value]) => `${name}: ${value}`,
    );
    const request = [`GET ${path} HTTP/1.1`, `host: ${url.host}`, "connection: close", ...lines];
    if (request.some((line) => /[\r\n\0]/.test(line))) throw new Error("a line end in the request's head");
    const unused = this.#takeUnused(url.origin);
    if (unused !== null) {
      this.#ask(unused, url.origin, request, handler);
      return true;
    }
    const { hostname, host, protocol, port } = url;
    this.connect({ hostname, host, protocol, port }, (...[error, socket]) => {
      if (error !== null) return handler.onResponseError?.(new Controller(null), error);
      if (this.#closed) {
        socket.destroy();
        return handler.onResponseError?.(new Controller(null), new AnswerRefusedError("closed"));
      }
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      this.#ask(socket, url.origin, request, handler);
    });
    return true;
  }

  /** Ends every connection. */
  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #ask(socket: Socket, origin: string, request: readonly string[], handler: Handler): void {
    const controller = new Controller(socket);
    let isOver = false;
    const end = (tell: () => void): void => {
      if (isOver) return;
      isOver = true;
      socket.destroy();
      if (!controller.aborted) tell();
    };
    const attempt = (read: () => boolean): void => {
      try {
        if (!isOver && !controller.aborted && read()) end(() => handler.onResponseEnd?.(controller, {}));
      } catch (error) {
        fail(error as Error);
      }
    };
    const fail = (error: Error): void => end(() => handler.onResponseError?.(controller, error));

    try {
      handler.onRequestStart?.(controller, {});
    } catch (error) {
      this.#keepUnused(socket, origin);
      return handler.onResponseError?.(controller, error as Error);
    }
    if (controller.aborted) return;
    const answer = new LooseAnswer({
      head: ({ httpStatus, headers }) => {
        handler.onResponseStart?.(controller, httpStatus, headers);
        return !controller.aborted;
      },
      data: (bytes) => handler.onResponseData?.(controller, bytes),
    });
    socket.on("data", (chunk: Buffer) => attempt(() => answer.push(chunk)));
    const closed = (): void =>
      attempt(() => {
        answer.end();
        return true;
      });
    socket.on("end", closed);
    // Servers that close early reset the connection behind the body; undici takes that for its end as well.
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" && answer.isInBody ? closed() : fail(error),
    );
    socket.on("close", () => fail(new AnswerRefusedError("the connection closed")));
    socket.write(`${request.join("\r\n")}\r\n\r\n`, "latin1");
  }

  #keepUnused(socket: Socket, origin: string): void {
    this.#takeUnused(origin)?.destroy();
    this.#unused.set(origin, { socket, timer: setTimeout(() => socket.destroy(), unusedMs) });
    socket.once("close", () => {
      if (this.#unused.get(origin)?.socket === socket) this.#takeUnused(origin);
    });
  }

  #takeUnused(origin: string): Socket | null {
    const unused = this.#unused.get(origin);
    this.#unused.delete(origin);
    clearTimeout(unused?.timer);
    return unused === undefined || unused.socket.destroyed ? null : unused.socket;
  }
}

/** What undici hands a handler; nothing is ever paused. */
class Controller implements Dispatcher.DispatchController {
  aborted = false;
  reason: Error | null = null;
  readonly paused = false;

  constructor(private readonly socket: Socket | null) {}

  abort(reason: Error): void {
    this.aborted = true;
    this.reason = reason;
    this.socket?.destroy();
  }

  pause(): void {}
  resume(): void {}
}
