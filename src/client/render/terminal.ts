/** Redraws a block of lines in place, with plain ANSI sequences. */

export interface Screen {
  write(text: string): unknown;
  columns?: number;
  rows?: number;
}

const escape = '\u001b[';

export class LiveBlock {
  readonly #screen: Screen;
  #shown: string[] = [];

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Columns and rows for the block: the last row stays free, so that nothing scrolls away. A terminal that knows no size says 0. */
  get size(): { width: number; height: number } {
    return {
      width: Math.max(20, this.#screen.columns || 80),
      height: Math.max(4, (this.#screen.rows || 24) - 1),
    };
  }

  /** Replaces the block. Lines must fit the width: a wrapped one would be counted wrongly. */
  draw(lines: readonly string[]): void {
    if (lines.length === this.#shown.length && lines.every((line, index) => line === this.#shown[index]))
      return;
    const up = this.#shown.length > 0 ? `${escape}${this.#shown.length}A` : '';
    // One write, each line cleared to its end, then what is left of a longer block before: no flicker.
    const text = lines.map((line) => `${line}${escape}K\n`).join('');
    this.#screen.write(`${escape}?25l${up}\r${text}${escape}J`);
    this.#shown = [...lines];
  }

  /** Removes the block, for the final output to take its place. */
  clear(): void {
    const up = this.#shown.length > 0 ? `${escape}${this.#shown.length}A` : '';
    this.#screen.write(`${up}\r${escape}J${escape}?25h`);
    this.#shown = [];
  }

  /** Leaves the block where it is and shows the cursor again. */
  end(): void {
    this.#screen.write(`${escape}?25h`);
    this.#shown = [];
  }
}
