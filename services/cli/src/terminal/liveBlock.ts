/** Text that is redrawn in place on a terminal, and printed as plain lines, less often, elsewhere. */
export class LiveBlock {
  #lines = 0;
  #lastPlain = 0;
  #lastLine = "";

  constructor(
    private readonly stream: NodeJS.WriteStream = process.stderr,
    private readonly plainEveryMs = 5000,
  ) {}

  /** @param block for a terminal; @param line for a log file */
  draw(block: string, line: string): void {
    if (!this.stream.isTTY) {
      if (Date.now() - this.#lastPlain < this.plainEveryMs) return;
      this.#lastPlain = Date.now();
      if (line === this.#lastLine) return;
      this.#lastLine = line;
      this.stream.write(`${line}\n`);
      return;
    }
    this.#erase();
    this.stream.write(block + "\n");
    this.#lines = block.split("\n").length;
  }

  /** Leaves the last text standing: on a terminal the block, elsewhere the line (printed unless it stands there already). */
  finish(block: string, line: string): void {
    this.#lastPlain = 0;
    this.draw(block, line);
    this.#lines = 0;
  }

  /** Takes the text away, where that can be done. */
  clear(): void {
    if (this.stream.isTTY) this.#erase();
    this.#lines = 0;
  }

  /** Prints a line above the text, where it stays. */
  note(line: string): void {
    this.clear();
    this.stream.write(`${line}\n`);
  }

  #erase(): void {
    if (this.#lines > 0) this.stream.write(`\x1b[${this.#lines}F\x1b[0J`);
  }
}
