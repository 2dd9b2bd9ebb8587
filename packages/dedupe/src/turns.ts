/**
 * Lets timers and sockets have their turn in long loops: to be called in each round, and awaited where it gives a promise.
 * @param everyMs how long a loop goes on between two turns
 */
export function turns(everyMs = 20): () => Promise<void> | null {
  let last = performance.now();
  return () => {
    if (performance.now() - last < everyMs) return null;
    return new Promise((resolve) =>
      setImmediate(() => {
        last = performance.now();
        resolve();
      }),
    );
  };
}
