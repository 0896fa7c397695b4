import type { SymbolDraft } from "./elf-writer.js";
import { type LinkInput, linkError } from "./link-input.js";
import type { LinkedSection, Placements } from "./linked-sections.js";
import { type ElfSymbol, SHN_UNDEF } from "./symbols.js";

/** A symbol as it stands in the linked object, while more objects may have to say something about it. */
interface LinkedSymbol extends SymbolDraft {
  kind: SymbolDraft["kind"];
  binding: SymbolDraft["binding"];
  hidden: boolean;
  section: LinkedSection | undefined;
  value: number;
  size: number;
  /** Number of the object that it is defined in. */
  owner: number | undefined;
}

/** The symbols of all objects, with one for each name that is not local. */
export class LinkedSymbols {
  readonly #all: LinkedSymbol[] = [];
  readonly #global = new Map<string, LinkedSymbol>();
  readonly #starts = new Map<LinkedSection, LinkedSymbol>();
  /** For each object where its own variables are, by section and name. */
  readonly #places: Map<LinkedSection, Map<string, number>>[] = [];
  /** For each object what its symbols became, by index. */
  readonly #mapped: Map<number, LinkedSymbol>[] = [];
  readonly #inputs: readonly LinkInput[];

  constructor(inputs: readonly LinkInput[], placements: readonly Placements[]) {
    this.#inputs = inputs;
    inputs.forEach(({ symbols }, owner) => {
      const mapped = new Map<number, LinkedSymbol>();
      this.#mapped.push(mapped);
      this.#places.push(new Map());
      for (const symbol of symbols) {
        const linked = this.#add(symbol, owner, placements[owner]!);
        if (linked !== undefined) mapped.set(symbol.index, linked);
      }
    });
  }

  get drafts(): readonly SymbolDraft[] {
    return this.#all;
  }

  /** What the symbol with this index of an object became; undefined for one of a section that was left out. */
  get(owner: number, index: number): SymbolDraft | undefined {
    return this.#mapped[owner]!.get(index);
  }

  /** Number of the object that defines what all objects know by this name; undefined where none does. */
  definer(name: string): number | undefined {
    return this.#global.get(name)?.owner;
  }

  /** The object's own symbol of this name in the linked object, in a section: for the places of variables. */
  placeOf(owner: number, name: string, section: LinkedSection): number | undefined {
    return this.#places[owner]!.get(section)?.get(name);
  }

  #add(symbol: ElfSymbol, owner: number, placed: Placements): LinkedSymbol | undefined {
    const { name, kind, binding, section: index } = symbol;
    const place = placed.get(index);
    if (index !== SHN_UNDEF && place === undefined) return undefined;
    if (kind === "section") return place && this.#start(place.section);
    if (kind === "file" || kind === "other" || name === "") return undefined;
    const linked: LinkedSymbol = {
      name,
      kind,
      binding,
      hidden: symbol.hidden,
      section: place?.section,
      value: place === undefined ? 0 : place.base + symbol.value,
      size: symbol.size,
      owner: place === undefined ? undefined : owner,
    };
    if (place !== undefined) this.#notePlace(owner, place.section, linked);
    return binding === "local" ? this.#keep(linked) : this.#resolve(linked);
  }

  #notePlace(owner: number, section: LinkedSection, { name, value }: LinkedSymbol): void {
    const places = this.#places[owner]!;
    const known = places.get(section);
    if (known === undefined) places.set(section, new Map([[name, value]]));
    else if (!known.has(name)) known.set(name, value);
  }

  #keep(symbol: LinkedSymbol): LinkedSymbol {
    this.#all.push(symbol);
    return symbol;
  }

  #start(section: LinkedSection): LinkedSymbol {
    let symbol = this.#starts.get(section);
    if (symbol === undefined) {
      const place = { section, value: 0, size: 0, owner: undefined };
      symbol = this.#keep({ name: "", kind: "section", binding: "local", hidden: false, ...place });
      this.#starts.set(section, symbol);
    }
    return symbol;
  }

  /** One definition of a name is strong, or the first of weak ones counts; hidden anywhere is hidden. */
  #resolve(next: LinkedSymbol): LinkedSymbol {
    const known = this.#global.get(next.name);
    if (known === undefined) {
      this.#global.set(next.name, next);
      return this.#keep(next);
    }
    known.hidden ||= next.hidden;
    if (next.owner === undefined) {
      // Wanted strongly by one is wanted strongly.
      if (known.owner === undefined && next.binding === "global") known.binding = "global";
      return known;
    }
    if (known.owner !== undefined) {
      if (known.binding === "global" && next.binding === "global")
        throw this.#twice(next.name, known.owner, next.owner);
      if (known.kind !== next.kind) {
        throw linkError(
          `'${next.name}' is a ${known.kind} in ${this.#nameOf(known.owner)}, a ${next.kind} in ${this.#nameOf(next.owner)}`,
        );
      }
      if (next.binding === "weak") return known;
    }
    const { kind, binding, section, value, size, owner } = next;
    return Object.assign(known, { kind, binding, section, value, size, owner });
  }

  #twice(name: string, one: number, other: number): Error {
    return linkError(`'${name}' is defined in ${this.#nameOf(one)} and in ${this.#nameOf(other)}`);
  }

  #nameOf(owner: number): string {
    return this.#inputs[owner]!.name;
  }
}
