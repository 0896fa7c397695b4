export { type CodeLine, type CodeNames, listCode } from "./code-text.js";
export { type WasmFeatures, wasmFeatures } from "./features.js";
export {
  type BlockType,
  FunctionBuilder,
  type FunctionIndex,
  type GlobalIndex,
  type Label,
  type Local,
  type SignatureIndex,
  type TableIndex,
} from "./function-builder.js";
export { type AllocationStats, LinearMemory, WASM_PAGE_SIZE } from "./linear-memory.js";
export { type Initializer, type Limits, ModuleBuilder } from "./module-builder.js";
export {
  type AtomicOperator,
  atomic,
  i32,
  i64,
  type LoadOperator,
  type Operator,
  type StoreOperator,
} from "./operators.js";
export type { Region, RegionRegistry } from "./region.js";
export { FUNCREF, I32, I64, type ValueType } from "./value-type.js";
export {
  instantiate,
  type WasmApi,
  type WasmFunction,
  type WasmGlobal,
  type WasmImports,
  type WasmInstance,
  type WasmMemory,
  type WasmModule,
  type WasmTable,
  webAssembly,
} from "./webassembly.js";
