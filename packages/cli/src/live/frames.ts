import type { Terminal } from "../terminal.js";
import { pause } from "./interrupt.js";

/** How often something is shown anew. */
export interface FrameTiming {
  readonly seconds: number;
  /** Frames at most; until Ctrl-C where undefined. */
  readonly count: number | undefined;
}

/**
 * Shows something again and again. On a terminal each frame takes the place of the one before; in a pipe, and in JSON, they
 * follow each other.
 */
export async function showFrames(
  terminal: Terminal,
  { seconds, count = Number.POSITIVE_INFINITY }: FrameTiming,
  draw: (frame: Terminal) => void | Promise<void>,
): Promise<void> {
  const inPlace = terminal.isTerminal === true;
  for (let shown = 1; ; shown++) {
    const frame = new Frame(terminal);
    await draw(frame);
    terminal.write(inPlace ? overdrawn(frame.text, terminal.rows || 24) : frame.text);
    if (shown >= count || (await pause(seconds)) === "interrupted") return;
  }
}

/** Text over what stands on the screen, without clearing first, which would flicker; what has no room is left out. */
export function overdrawn(text: string, rows: number): string {
  const lines = text.replace(/\n$/, "").split("\n");
  const fitting =
    lines.length < rows ? lines : [...lines.slice(0, rows - 2), `... ${lines.length - rows + 2} more lines`];
  return `\x1b[H${fitting.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`;
}

/** Collects what is printed for one frame. */
class Frame implements Terminal {
  text = "";
  readonly columns: number;
  readonly isTerminal: boolean;
  readonly #under: Terminal;

  constructor(under: Terminal) {
    this.#under = under;
    this.columns = under.columns;
    this.isTerminal = under.isTerminal === true;
  }

  write(text: string): void {
    this.text += text;
  }

  print(line = ""): void {
    this.text += `${line}\n`;
  }

  warn(line: string): void {
    this.#under.warn(line);
  }

  style(...[style, text]: Parameters<Terminal["style"]>): string {
    return this.#under.style(style, text);
  }

  status(): void {}
}
