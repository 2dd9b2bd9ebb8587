// Captions a second on one core, beside open_clip's SimpleTokenizer and Hugging Face's CLIPTokenizerFast (Rust), in turns:
//   PAIRLOOM_PYTORCH=$(bash test/interop/environment.sh pytorch) node bench/tokenizer/tokenizer.mjs [--captions 100000] [--rounds 3]
// All three remember words, so captions don't repeat and each round starts with an empty memory; the share of words that
// were remembered is printed. Every number is by CPU time, best of the rounds.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cleanText, createTokenizer } from "@pairloom/tokenizer";
import { makeCaptions } from "./captions.mjs";

const { values } = parseArgs({
  options: { captions: { type: "string", default: "100000" }, rounds: { type: "string", default: "3" } },
});
const captions = makeCaptions(Number(values.captions));
const folder = mkdtempSync(join(tmpdir(), "tokenizer-"));
const file = join(folder, "captions.txt");
writeFileSync(file, captions.join("\n"));
const python = process.env.PAIRLOOM_PYTORCH;

function ours() {
  const tokenizer = createTokenizer();
  const before = process.cpuUsage();
  let sum = 0;
  for (let at = 0; at < captions.length; at += 1000)
    sum = tokenizer.tokenize(captions.slice(at, at + 1000)).reduce((a, b) => (a + b) | 0, sum);
  const { user, system } = process.cpuUsage(before);
  return { rate: (captions.length / (user + system)) * 1e6, sum };
}
function peer(name) {
  const script = new URL("peers.py", import.meta.url).pathname;
  const run = spawnSync(python, [script, name, file], {
    encoding: "utf8",
    env: { ...process.env, TOKENIZERS_PARALLELISM: "false", OMP_NUM_THREADS: "1" },
  });
  if (run.status !== 0) throw new Error(run.stderr.slice(-1000));
  return JSON.parse(run.stdout.trim().split("\n").at(-1));
}

const seen = new Set();
let words = 0;
let remembered = 0;
for (const caption of captions)
  for (const word of cleanText(caption).match(/\p{L}+|\p{N}|[^ \p{L}\p{N}]+/gu) ?? []) {
    words++;
    if (seen.has(word)) remembered++;
    else seen.add(word);
  }

const runs = {
  pairloom: ours,
  ...(python ? { open_clip: () => peer("open_clip"), huggingface: () => peer("huggingface") } : {}),
};
const best = Object.fromEntries(Object.keys(runs).map((name) => [name, { rate: 0 }]));
for (let round = 0; round < Number(values.rounds); round++)
  for (const [name, run] of Object.entries(runs)) {
    const result = run();
    if (result.rate > best[name].rate) best[name] = result;
  }
rmSync(folder, { recursive: true });
console.log(`${captions.length} captions, ${new Set(captions).size} distinct, e.g. "${captions[0]}"`);
console.log(`words: ${words}, of them ${((100 * remembered) / words).toFixed(1)} % seen before`);
for (const [name, { rate, sum }] of Object.entries(best)) {
  const same = sum === best.pairloom.sum ? "equal ids" : "other ids";
  console.log(
    `${name.padEnd(12)} ${Math.round(rate).toLocaleString("en-US").padStart(9)} captions/s a core   ` +
      `pairloom is ${(best.pairloom.rate / rate).toFixed(2)} times as fast   ${same}`,
  );
}
