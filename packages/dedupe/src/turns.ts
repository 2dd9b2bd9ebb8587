import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * Lets timers and sockets have their turn in long loops: to be called in each round, and awaited where it gives a promise.
 * @param everyMs how long a loop goes on between two turns
 */
export function turns(everyMs = 20): () => Promise<void> | null {
  let last = performance.now();
  const take = async () => {
    await nextTurn();
    last = performance.now();
  };
  return () => (performance.now() - last < everyMs ? null : take());
}
