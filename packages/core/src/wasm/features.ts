import { ModuleBuilder } from "./module-builder.js";
import { webAssembly } from "./webassembly.js";

/** Extensions of WebAssembly that not every engine has. Without them code is slower, never wrong. */
export interface WasmFeatures {
  /** `return_call` and `return_call_indirect`. */
  readonly tailCalls: boolean;
  /** 128-bit vectors. */
  readonly simd: boolean;
  /** Shared memories and atomic accesses; in browsers the page must be cross-origin isolated as well. */
  readonly threads: boolean;
}

let detected: WasmFeatures | undefined;

/** What this engine has, asked once by validating one small module a feature. */
export function wasmFeatures(): WasmFeatures {
  detected ??= { tailCalls: hasTailCalls(), simd: hasSimd(), threads: hasThreads() };
  return detected;
}

function hasTailCalls(): boolean {
  const module = new ModuleBuilder();
  const f = module.function("f", {}, []);
  f.returnCall(f);
  return webAssembly().validate(module.finish());
}

function hasSimd(): boolean {
  // (func (drop (i8x16.splat (i32.const 0)))): the only vector code of this package, so it is written as bytes.
  const code = [0x00, 0x41, 0x00, 0xfd, 0x0f, 0x1a, 0x0b];
  const module = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0];
  return webAssembly().validate(new Uint8Array([...module, 10, code.length + 2, 1, code.length, ...code]));
}

function hasThreads(): boolean {
  if (typeof SharedArrayBuffer === "undefined") return false;
  const module = new ModuleBuilder();
  module.importMemory("env", "memory", { minimum: 1, maximum: 1, shared: true });
  module.function("f", {}, []).atomicFence();
  if (!webAssembly().validate(module.finish())) return false;
  try {
    return new (webAssembly().Memory)({ initial: 1, maximum: 1, shared: true }).buffer instanceof SharedArrayBuffer;
  } catch {
    return false;
  }
}
