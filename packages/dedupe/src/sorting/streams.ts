export type AnyIterable<T> = Iterable<T> | AsyncIterable<T>;

type Group<T> = [T, ...T[]];

/** Neighbours that belong together, as lists. */
export async function* groupsOf<T>(
  records: AnyIterable<T>,
  belong: (a: T, b: T) => boolean,
): AsyncGenerator<Group<T>, void> {
  let group: Group<T> | null = null;
  for await (const record of records) {
    if (group !== null && belong(group[0], record)) {
      group.push(record);
      continue;
    }
    if (group !== null) yield group;
    group = [record];
  }
  if (group !== null) yield group;
}

/**
 * Joins two streams in one order: each record of the first, of which no two have one place, with the records of the
 * second that have its place. Those of the second that stand at no record's place are passed over.
 * @param compare below 0 where the second's record comes before the first's place, 0 where it belongs to it
 */
export async function* joined<A, B>(
  records: AnyIterable<A>,
  others: AsyncIterable<B>,
  compare: (other: B, record: A) => number,
): AsyncGenerator<[A, B[]], void> {
  const iterator = others[Symbol.asyncIterator]();
  try {
    let next = await iterator.next();
    for await (const record of records) {
      const own: B[] = [];
      while (!next.done) {
        const place = compare(next.value, record);
        if (place > 0) break;
        if (place === 0) own.push(next.value);
        next = await iterator.next();
      }
      yield [record, own];
    }
  } finally {
    await iterator.return?.();
  }
}

/**
 * Goes through two streams in one order: each record of the first with that of the second, of which no two have one
 * place, that stands at its place; null where none does.
 * @param compare below 0 where the second's record comes before the first's place, 0 where it belongs to it
 */
export async function* matched<A, B>(
  records: AnyIterable<A>,
  others: AsyncIterable<B>,
  compare: (other: B, record: A) => number,
): AsyncGenerator<[A, B | null], void> {
  const iterator = others[Symbol.asyncIterator]();
  try {
    let next = await iterator.next();
    for await (const record of records) {
      while (!next.done && compare(next.value, record) < 0) next = await iterator.next();
      yield [record, !next.done && compare(next.value, record) === 0 ? next.value : null];
    }
  } finally {
    await iterator.return?.();
  }
}

/** Shows each record to `see` as it passes. */
export async function* each<T>(records: AnyIterable<T>, see: (record: T) => void): AsyncGenerator<T, void> {
  for await (const record of records) {
    see(record);
    yield record;
  }
}

/** Each with its number, from 0. */
export async function* numbered<T>(records: AnyIterable<T>): AsyncGenerator<[T, number], void> {
  let number = 0;
  for await (const record of records) yield [record, number++];
}
