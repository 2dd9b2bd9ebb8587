import type { Buffer } from "node:buffer";
import type { TarEntry } from "../tar/tarScanner.js";

/** Members of a tar that share a key, in their order. */
export interface MemberGroup {
  key: string;
  /** By extension: what follows the first dot of the base name, in lower case. */
  members: Map<string, Buffer>;
  /** Where the first and the last member's header begins. */
  offset: number;
}

/** Splits "folder/000000001.seg.png" into key and extension; null for a name without one. */
export function splitMemberName(name: string): { key: string; extension: string } | null {
  const dot = name.indexOf(".", name.lastIndexOf("/") + 1);
  if (dot <= name.lastIndexOf("/") + 1) return null;
  return { key: name.slice(0, dot), extension: name.slice(dot + 1).toLowerCase() };
}

/**
 * Gathers adjacent members of one key, as webdataset does: a change of key, or an extension seen before, begins the
 * next sample. `push` returns the groups that are complete.
 */
export class MemberGrouper {
  private group: MemberGroup | null = null;

  push(entries: readonly TarEntry[]): MemberGroup[] {
    const complete: MemberGroup[] = [];
    for (const { name, data, offset } of entries) {
      const parts = splitMemberName(name);
      if (parts === null) continue;
      const { key, extension } = parts;
      if (this.group !== null && (this.group.key !== key || this.group.members.has(extension))) {
        complete.push(this.group);
        this.group = null;
      }
      this.group ??= { key, members: new Map(), offset };
      this.group.members.set(extension, data);
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
