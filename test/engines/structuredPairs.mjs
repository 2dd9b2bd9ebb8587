// Pairs with something to learn: each picture is a wave of one of 8 hues, 8 directions and 8 lengths, with noise; its text
// names the three. 512 of them, all different.

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const kinds = 8;
const end = 299;

/** Batches without end: images [B, S, S, 3] and tokens [B, T] of vocabulary 300, in an order that the seed gives. */
export function* structuredPairs({ batchSize, side, context, seed }) {
  const random = seededRandom(seed);
  const pixels = side * side * 3;
  for (;;) {
    const images = new Float32Array(batchSize * pixels);
    const tokens = new Int32Array(batchSize * context);
    for (let row = 0; row < batchSize; row++) {
      const [hue, direction, length] = [0, 1, 2].map(() => Math.floor(random() * kinds));
      const [dx, dy] = [Math.cos((Math.PI * direction) / kinds), Math.sin((Math.PI * direction) / kinds)];
      for (let i = 0; i < pixels; i++) {
        const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side)];
        const wave = Math.sin(((x * dx + y * dy) / side) * (length + 1) * 4);
        const tint = 1 + Math.cos((2 * Math.PI * hue) / kinds + (i % 3) * 2);
        images[row * pixels + i] = wave * tint + 0.5 * (random() - 0.5);
      }
      tokens.set([298, 1 + hue, 20 + direction, 40 + length, end], row * context);
    }
    yield { images, tokens };
  }
}
