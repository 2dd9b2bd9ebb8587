import type { Buffer } from "node:buffer";
import type { TarEntry } from "../tar/tarEntry.js";

/** Up to so many members are looked through, which costs less than a table of them. */
const fewMembers = 8;

/** Members of a tar that share a key, in their order, by extension: what follows the first dot of the base name. */
export class MemberGroup {
  private readonly extensions: string[] = [];
  private readonly entries: TarEntry[] = [];
  /** Where there are more than a few. */
  private table: Map<string, TarEntry> | null = null;

  /** @param offset where the first member's header begins */
  constructor(
    readonly key: string,
    readonly offset: number,
  ) {}

  /** @param extension in lower case, not there yet */
  add(extension: string, entry: TarEntry): void {
    this.extensions.push(extension);
    this.entries.push(entry);
    if (this.table !== null) this.table.set(extension, entry);
    else if (this.entries.length > fewMembers)
      this.table = new Map(this.extensions.map((name, i) => [name, this.entries[i] as TarEntry]));
  }

  entry(extension: string): TarEntry | undefined {
    if (this.table !== null) return this.table.get(extension);
    for (let i = 0; i < this.extensions.length; i++)
      if (this.extensions[i] === extension) return this.entries[i];
    return undefined;
  }

  /** The bytes of every member by extension, in their order. */
  get members(): Map<string, Buffer> {
    return new Map(this.extensions.map((name, i) => [name, (this.entries[i] as TarEntry).data]));
  }
}
