/** Finds the ends of lines (LF, CRLF, CR) and other characters of a text from left to right, each place looked at once. */
export class LineEnds {
  private readonly next = new Map<string, number>();

  constructor(readonly text: string) {}

  /** The first place of a character from `from` on, or -1. `from` must not go back. */
  find(character: string, from: number): number {
    const known = this.next.get(character) ?? -2;
    if (known === -1 || known >= from) return known;
    const found = this.text.indexOf(character, from);
    this.next.set(character, found);
    return found;
  }

  /** Where the line ends that `from` lies in: the place of its LF or CR, or -1. */
  end(from: number): number {
    const feed = this.find("\n", from);
    const carriage = this.find("\r", from);
    return carriage < 0 || (feed >= 0 && feed < carriage) ? feed : carriage;
  }

  /** Where the next line begins, given this one's end; -1 where what follows a CR isn't known yet. */
  after(end: number, isLast: boolean): number {
    if (this.text[end] === "\n") return end + 1;
    if (end + 1 < this.text.length) return this.text[end + 1] === "\n" ? end + 2 : end + 1;
    return isLast ? end + 1 : -1;
  }
}

/** How many line ends (LF, CRLF, CR) a text has. */
export const countLineEnds = (text: string): number => text.match(/\r\n|\n|\r/g)?.length ?? 0;
