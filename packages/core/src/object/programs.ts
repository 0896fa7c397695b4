import type { ProgramType } from "../abi/index.js";
import { NotSupportedError } from "../base/index.js";
import type { Btf } from "../btf/index.js";
import type { ProgramSpec, UntypedProgramSpec } from "../spec/index.js";
import type { CodeSection, ObjectFunction } from "./code.js";
import type { Linker } from "./link.js";
import { commonType, type ProgramHead, parseTailSection, readProgramHead, type TypeChoice } from "./program-types.js";

/** Far beyond any compiler's output; each program costs a kilobyte or two of specs. */
const MAX_PROGRAMS = 100_000;
const EXCEPTION_CALLBACK = "exception_callback:";

/** The object's programs: their keys and what their section names say. */
export class ProgramTable {
  readonly heads = new Map<string, ProgramHead>();
  readonly #functions = new Map<string, ObjectFunction>();
  readonly #keys = new Map<ObjectFunction, string>();
  readonly #byName = new Map<string, ObjectFunction>();

  /** @throws NotSupportedError for an object of more than 100,000 programs */
  constructor(sections: Iterable<CodeSection>, choice: TypeChoice | undefined) {
    for (const section of sections) {
      for (const fn of section.functions) {
        if (fn.visible || !this.#byName.has(fn.name)) this.#byName.set(fn.name, fn);
        if (fn.entry) this.#add(fn, choice);
      }
    }
    const type = commonType(this.heads.values());
    for (const [key, head] of this.heads) {
      if (head.type === undefined && parseTailSection(head.section) !== undefined)
        this.heads.set(key, { ...head, type });
    }
  }

  /** The key of the program that starts with this function; undefined where it isn't one. */
  keyOf(fn: ObjectFunction): string | undefined {
    return this.#keys.get(fn);
  }

  /** Links all programs. */
  link(
    linker: Linker,
    btf: Btf | undefined,
    common: Pick<ProgramSpec, "license" | "kernelVersion">,
  ): { programs: Map<string, ProgramSpec>; untyped: Map<string, UntypedProgramSpec> } {
    const callbacks = exceptionCallbacks(btf);
    const programs = new Map<string, ProgramSpec>();
    const untyped = new Map<string, UntypedProgramSpec>();
    for (const [key, { type, ...head }] of this.heads) {
      const fn = this.#functions.get(key)!;
      const callback = this.#byName.get(callbacks.get(linker.of(fn).typeId) ?? "");
      const spec = { ...head, ...common, ...linker.link(fn, callback === undefined ? [] : [callback]) };
      if (type === undefined) untyped.set(key, spec);
      else programs.set(key, withType(spec, type));
    }
    return { programs, untyped };
  }

  #add(fn: ObjectFunction, choice: TypeChoice | undefined): void {
    if (this.heads.size >= MAX_PROGRAMS) {
      throw new NotSupportedError("many programs", `the object has more than ${MAX_PROGRAMS} programs`);
    }
    const { name, section } = fn;
    // Two static functions of one name, or two sections without a symbol.
    const key = this.heads.has(name) ? `${section.name}/${name}/${fn.start}` : name;
    this.heads.set(key, readProgramHead(name, section.name, choice));
    this.#functions.set(key, fn);
    this.#keys.set(fn, key);
  }
}

function withType(spec: UntypedProgramSpec, type: ProgramType): ProgramSpec {
  return { ...spec, type };
}

/** `__exception_cb(NAME)` on a program: the function that bpf_throw() ends in, which nothing calls. Since 6.7. */
function exceptionCallbacks(btf: Btf | undefined): Map<number, string> {
  const callbacks = new Map<number, string>();
  for (let id = 1; btf !== undefined && id < btf.length; id++) {
    if (btf.kind(id) !== "decl_tag") continue;
    const tag = btf.type(id);
    const attribute = btf.name(id);
    if (tag.kind !== "decl_tag" || tag.component !== -1 || !attribute.startsWith(EXCEPTION_CALLBACK)) continue;
    // Two callbacks are an error that the kernel reports from the tags; neither is linked then.
    callbacks.set(tag.type, callbacks.has(tag.type) ? "" : attribute.slice(EXCEPTION_CALLBACK.length));
  }
  return callbacks;
}
