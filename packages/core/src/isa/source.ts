import { AssembleError } from "../base/index.js";
import type { AssemblyMap } from "./assembly.js";
import type { Token } from "./lexer.js";
import { SectionBuilder } from "./section-builder.js";

/** Where a label stands. */
export interface Label {
  readonly section: SectionBuilder;
  /** Bytes from the section's start. */
  readonly offset: number;
}

/** All that is known of a source while it is being read. */
export class SourceState {
  readonly sections = new Map<string, SectionBuilder>();
  readonly labels = new Map<string, Label>();
  readonly maps = new Map<string, AssemblyMap>();
  readonly constants: Map<string, bigint>;
  /** Names that `.globl`, `.type ..., @function` and `.extern` give. */
  readonly globals = new Set<string>();
  readonly functions = new Set<string>();
  readonly externs = new Set<string>();
  /** Names that may stay undefined, or be overridden elsewhere. */
  readonly weak = new Set<string>();
  /** The section that is being filled. */
  current = new SectionBuilder(".text");

  constructor(constants: Iterable<readonly [string, bigint]>) {
    this.constants = new Map(constants);
    this.sections.set(this.current.name, this.current);
  }

  /** Makes the section of that name the current one, creating it if there is none. */
  enter(name: string): void {
    this.current = this.sections.get(name) ?? new SectionBuilder(name);
    this.sections.set(name, this.current);
  }

  defineLabel(token: Token): void {
    const { current: section } = this;
    const offset = section.size;
    if (token.kind === "number") {
      const places = section.numericLabels.get(token.text);
      if (places === undefined) section.numericLabels.set(token.text, [offset]);
      else places.push(offset);
      return;
    }
    this.checkNew(token);
    this.labels.set(token.text, { section, offset });
  }

  /** Refuses a name that means something already. */
  checkNew(token: Token): void {
    const taken = this.labels.has(token.text) ? "label" : this.maps.has(token.text) ? "map" : undefined;
    if (taken !== undefined) {
      throw new AssembleError(`"${token.text}" is a ${taken} already`, token.line, token.column);
    }
  }
}
