// Captions that look like alt texts and hardly repeat: 10 to 15 words by Zipf's law over the vocabulary's own words, and
// names, numbers, capitals, punctuation, accents. Seeded.
import { createTokenizer } from "@pairloom/tokenizer";

/** @returns {string[]} */
export function makeCaptions(count, seed = 1) {
  const tokenizer = createTokenizer();
  const words = [];
  for (let id = 256; id < tokenizer.startOfText; id++) {
    const word = tokenizer.decode([id]);
    if (/^[a-z]{2,} $/.test(word)) words.push(word.trim());
  }
  let state = seed;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const zipf = () => words[Math.floor(words.length ** random())];
  const capital = (word) => word[0].toUpperCase() + word.slice(1);
  const word = () => {
    const kind = random();
    if (kind < 0.04) return capital(zipf() + words[Math.floor(random() * words.length)]); // a name seen once or twice
    if (kind < 0.08) return String(Math.floor(random() * 3000));
    if (kind < 0.1) return zipf().replace(/[aeo]/, (letter) => ({ a: "á", e: "é", o: "ö" })[letter]);
    if (kind < 0.2) return `${zipf()},`;
    if (kind < 0.3) return capital(zipf());
    return zipf();
  };
  return Array.from({ length: count }, () => {
    const length = 10 + Math.floor(random() * 6);
    return `${capital(Array.from({ length }, word).join(" "))}.`;
  });
}
