import type { TarProblem } from "../tar/tarScanner.js";

/** Why something of a shard can't be used: what is wrong with the tar, with one sample, or with a member's name. */
export const quarantineReasons = [
  "tar_foreign",
  "tar_header",
  "tar_truncated",
  "tar_too_large",
  "tar_unsupported",
  "tar_no_end",
  "tar_trailing",
  "no_key",
  "no_picture",
  "empty_picture",
  "no_text",
  "record_unreadable",
  "text_unreadable",
  "sidecar_too_large",
  "duplicate_key",
] as const;
export type QuarantineReason = (typeof quarantineReasons)[number];

/** What can't be used of a shard, and why: nothing of it reaches the training. */
export interface QuarantinedMember {
  shard: string;
  /** Null where the damage is in the tar itself. */
  key: string | null;
  /** Byte of the tar. */
  offset: number;
  reason: QuarantineReason;
  /** The reason in words. */
  says: string;
  /** What to do about a file that is no tar. */
  hint?: string;
}

export const reasonOfTar = ({ kind }: TarProblem): QuarantineReason => `tar_${kind}`;

/** What a reader put aside, each time that it met it: counted by reason, and the first of it by name. */
export class Quarantine {
  readonly members: QuarantinedMember[] = [];
  readonly counts: Partial<Record<QuarantineReason, number>> = {};

  /** @param maxMembers entries of the list; what comes after is only counted */
  constructor(private readonly maxMembers = 10_000) {}

  add(member: QuarantinedMember): void {
    this.counts[member.reason] = (this.counts[member.reason] ?? 0) + 1;
    if (this.members.length < this.maxMembers) this.members.push(member);
  }
}

/** What a reader passes over without a sample being lost. */
export const noteKinds = [
  "record_dropped", // a KEY.json that can't be used: its picture and text are
  "macos_file", // what macOS writes beside a file: ._NAME, .DS_Store, __MACOSX/
] as const;
export type NoteKind = (typeof noteKinds)[number];

/** Something that was passed over. */
export interface ReaderNote {
  kind: NoteKind;
  shard: string;
  /** Null where it is no sample's. */
  key: string | null;
  offset: number;
  says: string;
}
