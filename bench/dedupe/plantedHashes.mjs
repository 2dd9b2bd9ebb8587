/** xorshift32: the same numbers in every run. */
export function generator(seed) {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Random hashes, [count × 8]. */
export function randomHashes(count, seed = 7) {
  const random = generator(seed);
  const hashes = new Uint32Array(new SharedArrayBuffer(count * 32));
  for (let i = 0; i < hashes.length; i++) hashes[i] = random();
  return hashes;
}

/** Turns `turns` different bits of the hash at `item`. */
export function turnBits(hashes, item, turns, random) {
  const places = new Set();
  while (places.size < turns) places.add(random() & 255);
  for (const bit of places) hashes[item * 8 + (bit >> 5)] ^= 1 << (bit & 31);
}

/** Probes, a tenth of which are copies of stored hashes with 0 to 40 bits turned; says how many lie within the radius. */
export function plantedProbes(stored, count, radius) {
  const probes = randomHashes(count, 11);
  const random = generator(13);
  let within = 0;
  for (let i = 0; i < count; i += 10) {
    const of = random() % (stored.length / 8);
    probes.set(stored.subarray(of * 8, of * 8 + 8), i * 8);
    const turns = random() % 41;
    turnBits(probes, i, turns, random);
    if (turns <= radius) within++;
  }
  return { probes, within };
}

export const hexOf = (hashes, item) => {
  let text = "";
  for (let part = 0; part < 8; part++) text += hashes[item * 8 + part].toString(16).padStart(8, "0");
  return text;
};

/** Runs the work; seconds by the clock and of this process's processor time. */
export async function timed(work) {
  const start = process.hrtime.bigint();
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return {
    result,
    seconds: Number(process.hrtime.bigint() - start) / 1e9,
    cpuSeconds: (user + system) / 1e6,
  };
}
