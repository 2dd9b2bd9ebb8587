import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * Keeps the event loop free while there is much to do: whoever has a piece of work waits here first, and no more is let
 * through in one turn of the loop than fits into `turnMs` and the last piece.
 */
export class ShortTurns {
  #startedMs: number | null = null;

  constructor(private readonly turnMs = 10) {}

  async next(): Promise<void> {
    while (this.#startedMs !== null && performance.now() - this.#startedMs > this.turnMs) await nextTurn();
    if (this.#startedMs !== null) return;
    this.#startedMs = performance.now();
    setImmediate(() => (this.#startedMs = null));
  }
}
