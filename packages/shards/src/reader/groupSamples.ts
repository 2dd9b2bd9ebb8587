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

/** Names like __this__, and folders of that name, are webdataset's own notes. */
const isMeta = (name: string): boolean => /^__[^/]*__(?:$|\/)/.test(name);

/** What macOS writes beside files when it packs them. */
const isOfMacos = (name: string): boolean => /^__MACOSX\/|(?:^|\/)(?:\._[^/]*|\.DS_Store)$/.test(name);

/** Why a member is none of any sample. */
export type OtherMember = "no_key" | "macos_file" | "meta";

/** The key and extension of a member, or what it is instead. */
export function placeOfMember(name: string): { key: string; extension: string } | OtherMember {
  if (isMeta(name)) return "meta";
  return isOfMacos(name) ? "macos_file" : (splitMemberName(name) ?? "no_key");
}

/** What of `name` follows `key` and a dot, in lower case; null where its key is another. */
function extensionUnder(key: string, name: string): string | null {
  const dot = key.length;
  if (name.charCodeAt(dot) !== 46 || !name.startsWith(key) || name.includes("/", dot)) return null;
  return name.slice(dot + 1).toLowerCase();
}

/**
 * Gathers adjacent members of one key, as webdataset does: a change of key, or an extension seen before, begins the
 * next sample. What is none of any sample ends none. `push` returns the groups that are complete.
 */
export class MemberGrouper {
  private group: MemberGroup | null = null;

  /** @param onOther called for members that are none of any sample */
  constructor(private readonly onOther: (entry: TarEntry, why: OtherMember) => void = () => {}) {}

  push(entries: readonly TarEntry[]): MemberGroup[] {
    const complete: MemberGroup[] = [];
    for (const entry of entries) {
      const { group } = this;
      const under = group === null ? null : extensionUnder(group.key, entry.name);
      if (group !== null && under !== null && group.entry(under) === undefined) {
        group.add(under, entry);
        continue;
      }
      const place = placeOfMember(entry.name);
      if (typeof place === "string") {
        this.onOther(entry, place);
        continue;
      }
      if (group !== null) complete.push(group);
      this.group = new MemberGroup(place.key, entry.offset);
      this.group.add(place.extension, entry);
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
