import { UsageError } from "../command-error.js";
import { didYouMean } from "../suggest.js";

/**
 * The words of a command line in bpftool's grammar, taken from the left. Keywords may be shortened to any beginning, the
 * first that fits counting, as in bpftool.
 */
export class Words {
  readonly #words: readonly string[];
  readonly #command: string;
  #at = 0;

  /** @param command What the words belong to, for errors: `"prog show"`. */
  constructor(words: readonly string[], command: string) {
    this.#words = words;
    this.#command = command;
  }

  get command(): string {
    return this.#command;
  }

  get left(): number {
    return this.#words.length - this.#at;
  }

  peek(): string | undefined {
    return this.#words[this.#at];
  }

  /** The rest, as the words of a longer command. */
  under(command: string): Words {
    return new Words(this.#words.slice(this.#at), command);
  }

  /** The next word, whatever it is. @throws UsageError saying that `what` is missing. */
  next(what: string): string {
    const word = this.#words[this.#at];
    if (word === undefined) throw new UsageError(`${this.#command}: ${what} is missing`);
    this.#at++;
    return word;
  }

  /** Takes the next word if it is one of `keywords` or a beginning of one. */
  take<K extends string>(...keywords: readonly K[]): K | undefined {
    const word = this.#words[this.#at];
    if (word === undefined || word === "") return undefined;
    const found = keywords.find((keyword) => keyword === word) ?? keywords.find((keyword) => keyword.startsWith(word));
    if (found !== undefined) this.#at++;
    return found;
  }

  /** As {@link take}, but there has to be one. @throws UsageError naming the choices */
  choose<K extends string>(what: string, keywords: readonly K[]): K {
    const found = this.take(...keywords);
    if (found !== undefined) return found;
    const word = this.peek();
    const choices = keywords.join(", ");
    if (word === undefined) throw new UsageError(`${this.#command}: ${what} is missing`, `one of: ${choices}`);
    throw new UsageError(
      `${this.#command}: '${word}' is no ${what}${didYouMean(word, keywords)}`,
      `one of: ${choices}`,
    );
  }

  /** A whole number in decimal, or hexadecimal with 0x. */
  number(what: string, limit = 0xffff_ffff): number {
    const word = this.next(what);
    const value = /^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : Number.NaN;
    if (value <= limit) return value;
    throw new UsageError(`${this.#command}: ${what} has to be a number up to ${limit}, not '${word}'`);
  }

  /** @throws UsageError when there are words left, suggesting one of the `keywords` that could have stood there. */
  end(...keywords: readonly string[]): void {
    const word = this.peek();
    if (word === undefined) return;
    throw new UsageError(`${this.#command}: '${word}' is one word too many${didYouMean(word, keywords)}`);
  }
}
