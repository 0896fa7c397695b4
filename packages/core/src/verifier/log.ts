/** Levels of bpf(2)'s `log_level`, which is a set of bits. */
export const LOG_PATH = 1;
export const LOG_STEPS = 2;
export const LOG_FIGURES = 4;
/** Is the walk itself logged? */
export const LOG_WALK = LOG_PATH | LOG_STEPS;

/**
 * The verifier's log: text that can be cut back to an earlier position, since the kernel drops what it logged of paths
 * that proved safe. Only the last `limit` characters are kept.
 */
export class VerifierLog {
  readonly level: number;
  /** The walk is logged. */
  readonly walk: boolean;
  /** Every step is logged, and none is dropped. */
  readonly steps: boolean;
  readonly #limit: number;
  #chunks: string[] = [];
  /** Position at which each chunk starts. */
  #starts: number[] = [];
  #position = 0;

  constructor(level: number, limit: number) {
    this.level = level;
    this.walk = (level & LOG_WALK) !== 0;
    this.steps = (level & LOG_STEPS) !== 0;
    this.#limit = limit;
  }

  /** Characters written, those that were dropped for the limit included. */
  get position(): number {
    return this.#position;
  }

  write(text: string): void {
    if (this.level === 0 || text === "") return;
    this.#chunks.push(text);
    this.#starts.push(this.#position);
    this.#position += text.length;
    if (this.#chunks.length > 65536 && this.#position - this.#starts[32768]! > this.#limit) {
      this.#chunks.splice(0, 32768);
      this.#starts.splice(0, 32768);
    }
  }

  /** Drops what was written after `position`. */
  cut(position: number): void {
    while (this.#position > position && this.#chunks.length > 0) {
      const start = this.#starts[this.#starts.length - 1]!;
      if (start >= position) {
        this.#chunks.pop();
        this.#starts.pop();
        this.#position = start;
      } else {
        const last = this.#chunks.length - 1;
        this.#chunks[last] = this.#chunks[last]!.slice(0, position - start);
        this.#position = position;
      }
    }
  }

  text(): string {
    const text = this.#chunks.join("");
    return text.length > this.#limit ? text.slice(-this.#limit) : text;
  }
}
