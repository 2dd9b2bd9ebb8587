import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { byteLetters } from "./byteLetters.js";

/** Ids below this are bytes, then bytes that end a word. */
const wordEnd = 256;
const firstMerge = 512;
/** CLIP takes this many merges of the file's. */
const mergeCount = 49152 - 256 - 2;

export const startOfText = firstMerge + mergeCount;
export const endOfText = startOfText + 1;
export const vocabularySize = endOfText + 1;

/** The pairs of tokens that CLIP merges, first ranked first. */
export function readMerges(): [first: string, second: string][] {
  const file = new URL("../data/bpe_simple_vocab_16e6.txt.gz", import.meta.url);
  const lines = gunzipSync(readFileSync(file)).toString("utf8").split("\n");
  return lines.slice(1, 1 + mergeCount).map((line) => line.split(" ") as [string, string]);
}

/**
 * CLIP's byte-pair encoding: ids of words, and bytes of ids. Merge number m makes the id 512 + m, so the lowest id that
 * a pair can become is the merge that comes first.
 */
export class BytePairs {
  /** Byte → id; ids count printable bytes first. */
  private readonly byteIds = new Uint16Array(256);
  /** first · vocabularySize + second → id of the two together. */
  private readonly merged = new Map<number, number>();
  private readonly bytesOf: Uint8Array[] = new Array<Uint8Array>(vocabularySize);

  /** @param shortWord words of more bytes are cut up by a queue, others by looking at every pair again */
  constructor(private readonly shortWord = 256) {
    const letters = this.nameBytes();
    const ids = new Map<string, number>();
    for (const [letter, id] of letters) {
      ids.set(letter, id);
      ids.set(`${letter}</w>`, id + wordEnd);
    }
    for (const [merge, [first, second]] of readMerges().entries()) {
      const id = firstMerge + merge;
      const [left, right] = [ids.get(first)!, ids.get(second)!];
      ids.set(first + second, id);
      this.merged.set(left * vocabularySize + right, id);
      this.bytesOf[id] = Buffer.concat([this.bytesOf[left]!, this.bytesOf[right]!]);
    }
  }

  /** Gives each byte its id and its letter in the file. */
  private nameBytes(): Map<string, number> {
    const letters = new Map<string, number>();
    for (const [id, { byte, letter }] of byteLetters().entries()) {
      letters.set(letter, id);
      this.byteIds[byte] = id;
      this.bytesOf[id] = Uint8Array.of(byte);
      this.bytesOf[id + wordEnd] = Uint8Array.of(byte, 0x20);
    }
    return letters;
  }

  /** The ids of one word (which must not be empty). */
  encodeWord(word: string): number[] {
    const ids = Array.from(Buffer.from(word, "utf8"), (byte) => this.byteIds[byte]!);
    ids[ids.length - 1]! += wordEnd;
    return ids.length <= this.shortWord ? this.mergeShort(ids) : this.mergeLong(ids);
  }

  /** The bytes of an id; a word's last has a space behind it. */
  bytes(id: number): Uint8Array {
    return this.bytesOf[id]!;
  }

  /** Merges the first-ranked pair, the leftmost of equals, until no pair is left. */
  private mergeShort(ids: number[]): number[] {
    for (;;) {
      let best = Infinity;
      let at = -1;
      for (let i = 0; i + 1 < ids.length; i++) {
        const id = this.merged.get(ids[i]! * vocabularySize + ids[i + 1]!);
        if (id !== undefined && id < best) {
          best = id;
          at = i;
        }
      }
      if (at < 0) return ids;
      ids[at] = best;
      ids.splice(at + 1, 1);
    }
  }

  /** The same in n·log n: pairs wait in buckets by the id they become; a linked list keeps neighbours. */
  private mergeLong(ids: number[]): number[] {
    const next = Int32Array.from(ids, (_, i) => (i + 1 < ids.length ? i + 1 : -1));
    const previous = Int32Array.from(ids, (_, i) => i - 1);
    const waiting = new PairQueue();
    const consider = (at: number): void => {
      if (at < 0 || next[at]! < 0) return;
      const id = this.merged.get(ids[at]! * vocabularySize + ids[next[at]!]!);
      if (id !== undefined) waiting.push(id, at);
    };
    for (let at = 0; at + 1 < ids.length; at++) consider(at);
    for (let pair = waiting.pop(); pair !== null; pair = waiting.pop()) {
      const { id, at } = pair;
      const right = ids[at]! < 0 ? -1 : next[at]!;
      // a pair is stale if one of its halves has been merged since
      if (right < 0 || this.merged.get(ids[at]! * vocabularySize + ids[right]!) !== id) continue;
      ids[at] = id;
      ids[right] = -1;
      next[at] = next[right]!;
      if (next[at] >= 0) previous[next[at]] = at;
      consider(previous[at]!);
      consider(at);
    }
    return ids.filter((id) => id >= 0);
  }
}

/** A binary heap of pairs: lowest id first, leftmost of equals. */
class PairQueue {
  /** id · 2^32 + position: order by both, exact in a double. */
  private readonly heap: number[] = [];

  push(id: number, at: number): void {
    const { heap } = this;
    const key = id * 2 ** 32 + at;
    let child = heap.length;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (heap[parent]! <= key) break;
      heap[child] = heap[parent]!;
      child = parent;
    }
    heap[child] = key;
  }

  pop(): { id: number; at: number } | null {
    const { heap } = this;
    const top = heap[0];
    if (top === undefined) return null;
    const last = heap.pop()!;
    if (heap.length > 0) {
      let parent = 0;
      for (;;) {
        let child = 2 * parent + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
        if (heap[child]! >= last) break;
        heap[parent] = heap[child]!;
        parent = child;
      }
      heap[parent] = last;
    }
    const id = Math.floor(top / 2 ** 32);
    return { id, at: top - id * 2 ** 32 };
  }
}
