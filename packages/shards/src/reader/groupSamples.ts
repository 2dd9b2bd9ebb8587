import type { TarEntry } from "../tar/tarEntry.js";
import { MemberGroup } from "./memberGroup.js";

export type { MemberGroup };

/** Splits "folder/000000001.seg.png" into key and extension; null for a name without one. */
export function splitMemberName(name: string): { key: string; extension: string } | null {
  const base = name.lastIndexOf("/") + 1;
  const dot = name.indexOf(".", base);
  if (dot <= base) return null;
  return { key: name.slice(0, dot), extension: name.slice(dot + 1).toLowerCase() };
}

/** What of `name` follows `key` and a dot, in lower case; null where its key is another. */
function extensionUnder(key: string, name: string): string | null {
  const dot = key.length;
  if (name.charCodeAt(dot) !== 46 || !name.startsWith(key) || name.includes("/", dot)) return null;
  return name.slice(dot + 1).toLowerCase();
}

/**
 * Gathers adjacent members of one key, as webdataset does: a change of key, or an extension seen before, begins the
 * next sample. `push` returns the groups that are complete.
 */
export class MemberGrouper {
  private group: MemberGroup | null = null;

  /** @param onKeyless called for members whose name has no key */
  constructor(private readonly onKeyless: (entry: TarEntry) => void = () => {}) {}

  push(entries: readonly TarEntry[]): MemberGroup[] {
    const complete: MemberGroup[] = [];
    for (const entry of entries) {
      const { group } = this;
      const under = group === null ? null : extensionUnder(group.key, entry.name);
      if (group !== null && under !== null && group.entry(under) === undefined) {
        group.add(under, entry);
        continue;
      }
      const parts = splitMemberName(entry.name);
      if (parts === null) {
        this.onKeyless(entry);
        continue;
      }
      if (group !== null) complete.push(group);
      this.group = new MemberGroup(parts.key, entry.offset);
      this.group.add(parts.extension, entry);
    }
    return complete;
  }

  /** The last group, once there are no more members. */
  end(): MemberGroup[] {
    const last = this.group === null ? [] : [this.group];
    this.group = null;
    return last;
  }
}
