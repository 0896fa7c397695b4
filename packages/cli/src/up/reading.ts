import { didYouMean } from "../suggest.js";

type Path = readonly (string | number)[];

/** A value of a file being read, with where it stands: everything that isn't as wanted is told with its place. */
export class Reading {
  readonly #value: unknown;
  readonly #path: Path;
  readonly #fail: (path: Path, message: string) => never;

  constructor(value: unknown, path: Path, fail: (path: Path, message: string) => never) {
    this.#value = value;
    this.#path = path;
    this.#fail = fail;
  }

  get isList(): boolean {
    return Array.isArray(this.#value);
  }

  fail(message: string): never {
    const place = this.#path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
    return this.#fail(this.#path, `${place.replace(/^\./, "")}${place === "" ? "" : ": "}${message}`);
  }

  /** The members that are there. */
  mapping<K extends string>(known: readonly K[], needed: readonly K[] = []): { [key in K]?: Reading } {
    const entries = this.entries("parts");
    for (const [key, each] of entries) {
      if (!(known as readonly string[]).includes(key)) {
        each.fail(`'${key}' is not known here${didYouMean(key, known)}; there are ${known.join(", ")}`);
      }
    }
    const members = Object.fromEntries(entries) as { [key in K]?: Reading };
    for (const key of needed) if (members[key] === undefined) this.fail(`'${key}' is missing`);
    return members;
  }

  entries(what: string): [string, Reading][] {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return this.fail(`${what} by name are wanted`);
    }
    return Object.entries(value).map(([key, each]) => [key, this.#at(key, each)]);
  }

  list(what: string): Reading[] {
    if (!Array.isArray(this.#value)) return this.fail(`a list of ${what} is wanted`);
    return this.#value.map((each, index) => this.#at(index, each));
  }

  text(what: string): string {
    return typeof this.#value === "string" && this.#value !== "" ? this.#value : this.fail(`${what} is wanted`);
  }

  texts(): string[] {
    return this.list("texts").map((each) => each.text("a text"));
  }

  /** A number, text or truth value, as text. */
  scalar(): string {
    const value = this.#value;
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
    return this.fail("a single value is wanted");
  }

  flag(): boolean {
    return typeof this.#value === "boolean" ? this.#value : this.fail("true or false is wanted");
  }

  count(what: string): number {
    const value = this.#value;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1 && value <= 1024) return value;
    return this.fail(`a number of ${what} from 1 to 1024 is wanted`);
  }

  oneOf<T extends string>(words: readonly T[]): T {
    const found = words.find((word) => word === this.#value);
    return found ?? this.fail(`one of ${words.join(", ")} is wanted`);
  }

  #at(step: string | number, value: unknown): Reading {
    return new Reading(value, [...this.#path, step], this.#fail);
  }
}
