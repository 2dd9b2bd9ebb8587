import type { Readable } from "node:stream";
import { scanTar, type TarProblem } from "@pairloom/shards";
import type { Store } from "@pairloom/storage";

/** One pair as it lies in a shard. */
export interface ReleasePair {
  key: string;
  /** The encoded picture. */
  image: Buffer;
  /** The caption (KEY.txt) first, then the other texts of KEY.json, each once. */
  texts: string[];
}

const imageEndings = new Set(["jpg", "jpeg", "png", "webp"]);

/**
 * The pairs of one shard, in its order. Members of a sample are adjacent; samples without a picture or without a text
 * are passed over and reported.
 */
export async function* readSamples(
  store: Store,
  shard: string,
  onProblem: (key: string, says: string) => void = () => {},
): AsyncGenerator<ReleasePair, void> {
  const stream: Readable = await store.read(shard);
  const damaged = (problem: TarProblem) => onProblem(shard, `byte ${problem.offset}: ${problem.says}`);
  let key: string | null = null;
  let members = new Map<string, Buffer>();
  for await (const entry of scanTar(stream, { onProblem: damaged })) {
    const base = entry.name.slice(entry.name.lastIndexOf("/") + 1);
    const dot = base.indexOf(".");
    if (dot <= 0) continue;
    const name = entry.name.slice(0, entry.name.length - base.length + dot);
    if (name !== key) {
      if (key !== null) yield* pairOf(key, members, onProblem);
      key = name;
      members = new Map();
    }
    members.set(base.slice(dot + 1).toLowerCase(), entry.data);
  }
  if (key !== null) yield* pairOf(key, members, onProblem);
}

function* pairOf(
  key: string,
  members: ReadonlyMap<string, Buffer>,
  onProblem: (key: string, says: string) => void,
): Generator<ReleasePair, void> {
  const image = [...members].find(([ending]) => imageEndings.has(ending))?.[1];
  const texts = textsOf(members);
  if (image === undefined) onProblem(key, "no picture");
  else if (texts.length === 0) onProblem(key, "no text");
  else yield { key, image, texts };
}

function textsOf(members: ReadonlyMap<string, Buffer>): string[] {
  const texts = new Set<string>();
  const add = (text: unknown) => {
    if (typeof text === "string" && text.trim() !== "") texts.add(text.trim());
  };
  add(members.get("txt")?.toString("utf8"));
  const json = members.get("json");
  if (json !== undefined) {
    try {
      const sample = JSON.parse(json.toString("utf8")) as { caption?: unknown; texts?: unknown };
      add(sample.caption);
      if (Array.isArray(sample.texts)) {
        for (const item of sample.texts) add((item as { text?: unknown } | null)?.text);
      }
    } catch {
      // a sidecar that isn't JSON takes nothing from the pair
    }
  }
  return [...texts];
}
