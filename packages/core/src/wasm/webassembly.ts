import { NotSupportedError } from "../base/index.js";

// WebAssembly's types live in TypeScript's DOM library, which portable code may not see: here is what is used of them.

/** A compiled module. It has no members: it is only instantiated. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: string;
}

/** `WebAssembly.Memory` */
export interface WasmMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** Grows by `pages` of 64 KiB and returns the former size in pages. */
  grow(pages: number): number;
}

/** `WebAssembly.Table`, of functions. */
export interface WasmTable {
  readonly length: number;
  get(index: number): unknown;
  set(index: number, value: unknown): void;
  grow(count: number): number;
}

/** `WebAssembly.Global` */
export interface WasmGlobal {
  value: number;
}

/** An exported function. Parameters and results of type i32 are numbers; i64 would be bigint and is avoided. */
export type WasmFunction = (...args: number[]) => number;

/** `WebAssembly.Instance` */
export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

/** What an importing module gets, by module and field name. */
export type WasmImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The engine's `WebAssembly` object. */
export interface WasmApi {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule, imports?: WasmImports) => WasmInstance;
  readonly Memory: new (descriptor: { initial: number; maximum?: number; shared?: boolean }) => WasmMemory;
  readonly Table: new (descriptor: { element: "anyfunc"; initial: number; maximum?: number }) => WasmTable;
  readonly Global: new (descriptor: { value: "i32"; mutable: boolean }, value: number) => WasmGlobal;
  readonly RuntimeError: new (message?: string) => Error;
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<WasmModule>;
}

/**
 * The engine's WebAssembly.
 *
 * @throws NotSupportedError where there is none.
 */
export function webAssembly(): WasmApi {
  const api = (globalThis as { readonly WebAssembly?: WasmApi }).WebAssembly;
  if (api === undefined) throw new NotSupportedError("WebAssembly", "this JavaScript engine has no WebAssembly");
  return api;
}

/** Compiles and instantiates in one step, synchronously (browsers limit that to workers or to small modules). */
export function instantiate(bytes: Uint8Array, imports: WasmImports = {}): WasmInstance {
  const api = webAssembly();
  return new api.Instance(new api.Module(bytes), imports);
}
