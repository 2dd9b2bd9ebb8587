import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packTar } from "@pairloom/shards";
import sharp from "sharp";

const colours = { red: "#d22", green: "#2a3", blue: "#25d", black: "#111" };
const grounds = { paper: "#eee", sand: "#dca", slate: "#789" };

/** A model that steps in milliseconds; still with CLIP's vocabulary. */
export const smallModel = {
  embed_dim: 16,
  vision_cfg: { image_size: 16, patch_size: 8, width: 16, layers: 1, head_width: 8 },
  text_cfg: { context_length: 10, vocab_size: 49408, width: 8, heads: 2, layers: 1 },
};

/** CLIP's other family, with batch normalisation and its running statistics. */
export const smallResNet = {
  embed_dim: 16,
  vision_cfg: { image_size: 32, width: 4, layers: [1, 1, 1, 1], head_width: 32 },
  text_cfg: { context_length: 10, vocab_size: 49408, width: 8, heads: 2, layers: 1 },
};

/**
 * Writes a release of plain coloured squares in two shards, and the models' configs beside it.
 *
 * @param broken numbers of the samples whose picture is none
 * @param alike one plain grey picture for every caption
 */
export async function makeSmallRelease(
  samples = 24,
  { broken = [], alike = false }: { broken?: number[]; alike?: boolean } = {},
): Promise<{ folder: string; release: string }> {
  const folder = await mkdtemp(join(tmpdir(), "training-"));
  const release = join(folder, "release");
  await mkdir(release);
  await writeFile(join(folder, "small.json"), JSON.stringify(smallModel));
  await writeFile(join(folder, "resnet.json"), JSON.stringify(smallResNet));
  const names = Object.keys(colours) as (keyof typeof colours)[];
  const kinds = Object.keys(grounds) as (keyof typeof grounds)[];
  const half = Math.ceil(samples / 2);
  const sizes: Record<string, number> = {};
  for (const [shard, start] of [0, half].entries()) {
    const members: { name: string; data: Uint8Array }[] = [];
    const end = Math.min(samples, start + half);
    for (let i = start; i < end; i++) {
      const colour = names[i % names.length]!;
      const ground = kinds[Math.floor(i / names.length) % kinds.length]!;
      const key = `${String(shard).padStart(5, "0")}${String(i - start).padStart(4, "0")}`;
      const caption = `a ${colour} square on ${ground}`;
      const texts = [{ kind: "alt", text: `${colour} on ${ground}` }];
      const side = 6 + (i % 5);
      const drawn = `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="20"><rect width="24" height="20" fill="${grounds[ground]}"/><rect x="6" y="5" width="${side}" height="${side}" fill="${colours[colour]}"/></svg>`;
      const plain = `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="20"><rect width="24" height="20" fill="#888"/></svg>`;
      const svg = alike ? plain : drawn;
      const image = broken.includes(i)
        ? Buffer.from("no picture")
        : await sharp(Buffer.from(svg)).jpeg().toBuffer();
      members.push({ name: `${key}.jpg`, data: image });
      members.push({ name: `${key}.txt`, data: Buffer.from(caption) });
      members.push({ name: `${key}.json`, data: Buffer.from(JSON.stringify({ key, caption, texts })) });
    }
    const name = `${String(shard).padStart(5, "0")}.tar`;
    const parts: Buffer[] = [];
    for await (const part of packTar(members)) parts.push(part);
    await writeFile(join(release, name), Buffer.concat(parts));
    sizes[name] = end - start;
  }
  await writeFile(join(release, "sizes.json"), JSON.stringify(sizes));
  return { folder, release };
}
