import { encodeText } from "../base/index.js";
import { CodeBuffer } from "./code-buffer.js";
import {
  FunctionBuilder,
  type FunctionIndex,
  type GlobalIndex,
  type SignatureIndex,
  type TableIndex,
} from "./function-builder.js";
import { encodeNames } from "./name-section.js";
import { FUNCREF, I64, type ValueType } from "./value-type.js";

/** Sizes in units of the thing: pages of 64 KiB for memories, elements for tables. */
export interface Limits {
  readonly minimum: number;
  readonly maximum?: number | undefined;
}

/** An initial value: an i32, the halves of an i64, or what an imported constant global holds. */
export type Initializer = number | { readonly low: number; readonly high: number } | { readonly global: GlobalIndex };

const KIND_FUNCTION = 0;
const KIND_TABLE = 1;
const KIND_MEMORY = 2;
const KIND_GLOBAL = 3;

class Section {
  readonly id: number;
  count = 0;
  readonly body = new CodeBuffer();

  constructor(id: number) {
    this.id = id;
  }

  /** Counts one more entry and returns where to write it. */
  entry(): CodeBuffer {
    this.count++;
    return this.body;
  }
}

/**
 * A WebAssembly module, encoded section by section as its parts are declared. Imports come before definitions of the
 * same kind, because they are numbered first. At most one memory.
 *
 * @see https://webassembly.github.io/spec/core/binary/
 */
export class ModuleBuilder {
  readonly name: string | undefined;
  readonly #types = new Section(1);
  readonly #imports = new Section(2);
  readonly #functions = new Section(3);
  readonly #tables = new Section(4);
  readonly #globals = new Section(6);
  readonly #exports = new Section(7);
  readonly #elements = new Section(9);
  readonly #data = new Section(11);
  readonly #signatures = new Map<string, SignatureIndex>();
  readonly #importedFunctions: string[] = [];
  readonly #bodies: FunctionBuilder[] = [];
  #memories = 0;
  #importedTables = 0;
  #importedGlobals = 0;

  /** @param name shown by debuggers and profilers. */
  constructor(name?: string) {
    this.name = name;
  }

  /** A function type; equal ones are one. */
  signature(parameters: readonly ValueType[], results: readonly ValueType[]): SignatureIndex {
    const key = `${parameters.join()}:${results.join()}`;
    const known = this.#signatures.get(key);
    if (known !== undefined) return known;
    const index = this.#types.count as SignatureIndex;
    const entry = this.#types.entry();
    entry.u8(0x60);
    for (const types of [parameters, results]) {
      entry.u32(types.length);
      for (const type of types) entry.u8(type);
    }
    this.#signatures.set(key, index);
    return index;
  }

  importFunction(
    module: string,
    name: string,
    parameters: readonly ValueType[],
    results: readonly ValueType[],
  ): FunctionIndex {
    if (this.#bodies.length > 0) throw new RangeError(`import of ${name} after a function was defined`);
    const entry = this.#import(module, name, KIND_FUNCTION);
    entry.u32(this.signature(parameters, results));
    return (this.#importedFunctions.push(name) - 1) as FunctionIndex;
  }

  /** Limits in pages of 64 KiB; a shared memory needs a maximum. */
  importMemory(module: string, name: string, limits: Limits & { readonly shared?: boolean }): void {
    if (this.#memories++ > 0) throw new RangeError("a module has one memory");
    encodeLimits(this.#import(module, name, KIND_MEMORY), limits, limits.shared ?? false);
  }

  importTable(module: string, name: string, limits: Limits): TableIndex {
    if (this.#tables.count > 0) throw new RangeError(`import of ${name} after a table was defined`);
    const entry = this.#import(module, name, KIND_TABLE);
    entry.u8(FUNCREF);
    encodeLimits(entry, limits, false);
    return this.#importedTables++ as TableIndex;
  }

  importGlobal(module: string, name: string, type: ValueType, mutable = false): GlobalIndex {
    if (this.#globals.count > 0) throw new RangeError(`import of ${name} after a global was defined`);
    const entry = this.#import(module, name, KIND_GLOBAL);
    entry.u8(type);
    entry.u8(mutable ? 1 : 0);
    return this.#importedGlobals++ as GlobalIndex;
  }

  /** A new function; its code is written with the builder until {@link finish}. */
  function<Name extends string>(
    name: string,
    parameters: { readonly [Parameter in Name]: ValueType },
    results: readonly ValueType[],
  ): FunctionBuilder<Name> {
    const types = Object.values(parameters) as ValueType[];
    const index = (this.#importedFunctions.length + this.#bodies.length) as FunctionIndex;
    this.#functions.entry().u32(this.signature(types, results));
    const body = new FunctionBuilder(index, name, Object.keys(parameters) as Name[]);
    this.#bodies.push(body);
    return body;
  }

  /** What a function is called, imported or defined. */
  nameOf(index: number): string {
    return (
      this.#importedFunctions[index] ?? this.#bodies[index - this.#importedFunctions.length]?.name ?? String(index)
    );
  }

  /** A table of function references, all null. */
  table(limits: Limits): TableIndex {
    const entry = this.#tables.entry();
    entry.u8(FUNCREF);
    encodeLimits(entry, limits, false);
    return (this.#importedTables + this.#tables.count - 1) as TableIndex;
  }

  global(type: ValueType, initial: Initializer, mutable = false): GlobalIndex {
    const entry = this.#globals.entry();
    entry.u8(type);
    entry.u8(mutable ? 1 : 0);
    encodeInitializer(entry, type, initial);
    return (this.#importedGlobals + this.#globals.count - 1) as GlobalIndex;
  }

  exportFunction(name: string, callee: FunctionIndex | FunctionBuilder): void {
    this.#export(name, KIND_FUNCTION, typeof callee === "number" ? callee : callee.index);
  }

  exportTable(name: string, table: TableIndex): void {
    this.#export(name, KIND_TABLE, table);
  }

  exportGlobal(name: string, global: GlobalIndex): void {
    this.#export(name, KIND_GLOBAL, global);
  }

  /** Fills `table` from index `offset` when the module is instantiated. */
  elements(table: TableIndex, offset: Initializer, functions: readonly (FunctionIndex | FunctionBuilder)[]): void {
    const entry = this.#elements.entry();
    entry.u8(2);
    entry.u32(table);
    encodeInitializer(entry, undefined, offset);
    entry.u8(0);
    entry.u32(functions.length);
    for (const callee of functions) entry.u32(typeof callee === "number" ? callee : callee.index);
  }

  /** Copies `bytes` to address `offset` when the module is instantiated. */
  data(offset: Initializer, bytes: Uint8Array): void {
    const entry = this.#data.entry();
    entry.u8(0);
    encodeInitializer(entry, undefined, offset);
    entry.vector(bytes);
  }

  /**
   * The module's bytes.
   *
   * @throws RangeError when a function has an open block.
   */
  finish(): Uint8Array<ArrayBuffer> {
    const code = new Section(10);
    for (const body of this.#bodies) body.encodeInto(code.entry());
    const out = new CodeBuffer(code.body.length + 1024);
    out.raw(new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]));
    const sections = [
      this.#types,
      this.#imports,
      this.#functions,
      this.#tables,
      this.#globals,
      this.#exports,
      this.#elements,
      code,
      this.#data,
    ];
    for (const section of sections) {
      if (section.count === 0) continue;
      const count = new CodeBuffer(5);
      count.u32(section.count);
      out.u8(section.id);
      out.u32(count.length + section.body.length);
      out.raw(count.written());
      out.raw(section.body.written());
    }
    out.u8(0);
    out.vector(encodeNames(this.name, this.#importedFunctions, this.#bodies));
    return out.written().slice();
  }

  #import(module: string, name: string, kind: number): CodeBuffer {
    const entry = this.#imports.entry();
    entry.vector(encodeText(module));
    entry.vector(encodeText(name));
    entry.u8(kind);
    return entry;
  }

  #export(name: string, kind: number, index: number): void {
    const entry = this.#exports.entry();
    entry.vector(encodeText(name));
    entry.u8(kind);
    entry.u32(index);
  }
}

function encodeLimits(out: CodeBuffer, { minimum, maximum }: Limits, shared: boolean): void {
  out.u8((maximum === undefined ? 0 : 1) | (shared ? 2 : 0));
  out.u32(minimum);
  if (maximum !== undefined) out.u32(maximum);
}

function encodeInitializer(out: CodeBuffer, type: ValueType | undefined, value: Initializer): void {
  if (typeof value === "number") {
    out.u8(type === I64 ? 0x42 : 0x41);
    out.i32(value);
  } else if ("global" in value) {
    out.u8(0x23);
    out.u32(value.global);
  } else {
    out.u8(0x42);
    out.i64(value.low | 0, value.high | 0);
  }
  out.u8(0x0b);
}
