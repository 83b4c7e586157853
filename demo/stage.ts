/** Where the demonstration speaks: headings, remarks, and remarks in the middle of a live step tree. */
import pc from 'picocolors';

/** Stands in for stdout while a live tree is drawn: a remark goes above the tree, which moves down a line. */
export class Stage {
  readonly #out: NodeJS.WriteStream;
  readonly #started = performance.now();
  #remarks: string[] = [];
  #live = false;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  heading(text: string): void {
    const seconds = Math.round((performance.now() - this.#started) / 1000);
    this.say(`\n${pc.bold(pc.cyan(`▌ ${text}`))}  ${pc.dim(`${seconds} s`)}`);
  }

  say(text: string): void {
    if (this.#live && this.#out.isTTY) this.#remarks.push(text);
    else this.#out.write(`${text}\n`);
  }

  /** A command as a person would type it. */
  command(text: string): void {
    this.say(`${pc.dim('$')} ${pc.bold(text)}`);
  }

  /** What `followRun` writes to; remarks made meanwhile are put above what it draws. */
  async live<Result>(body: (stdout: NodeJS.WriteStream) => Promise<Result>): Promise<Result> {
    this.#live = true;
    const screen = new Proxy(this.#out, {
      get: (target, property) => {
        if (property === 'write') return (text: string) => target.write(this.#withRemarks(text));
        const value = Reflect.get(target, property, target) as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    try {
      return await body(screen);
    } finally {
      this.#live = false;
      for (const remark of this.#remarks.splice(0)) this.#out.write(`${remark}\n`);
    }
  }

  /** A redraw begins by moving to the block's first line: that is where a remark belongs. */
  #withRemarks(text: string): string {
    // eslint-disable-next-line no-control-regex -- the terminal's own escape sequences
    const start = /^(?:\u001b\[\?25l)?(?:\u001b\[\d+A)?\r/.exec(text);
    if (!start || this.#remarks.length === 0) return text;
    const above = this.#remarks.splice(0).map((remark) => `${remark}\u001b[K\n`);
    return `${start[0]}${above.join('')}${text.slice(start[0].length)}`;
  }
}
