/** The values of a generator, of which up to `ahead` are under way before they are asked for. Ends it with its reader. */
export async function* readAhead<T>(source: AsyncGenerator<T, void>, ahead: number): AsyncGenerator<T, void> {
  const running: Promise<IteratorResult<T, void>>[] = [];
  try {
    for (;;) {
      while (running.length <= ahead) {
        const next = source.next();
        // it is awaited in its turn; until then nobody listens
        next.catch(() => {});
        running.push(next);
      }
      const item = await running.shift()!;
      if (item.done === true) return;
      yield item.value;
    }
  } finally {
    await Promise.allSettled(running);
    await source.return();
  }
}
