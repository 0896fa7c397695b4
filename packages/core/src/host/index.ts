export { btfCodec, mapCodecs, typedCodec } from "./btf-codec.js";
export { type EventSink, EventStream, type EventSubscription, type MapEvent } from "./event-stream.js";
export type { Host, LoadedObject, LoadOptions, ObjectShape } from "./host.js";
export type { ClsactOptions, DeviceHooks, Link, XdpMode } from "./link.js";
export { chosenPrograms, LoadedParts, liveVariables } from "./loaded-parts.js";
export { BpfMap, isPerCpuMap, type MapCodecs, perCpuStride } from "./map.js";
export type { Program, TestRunOptions, TestRunResult } from "./program.js";
export type { MapInfo, RawMap, SlotTarget } from "./raw-map.js";
export type { LwtRoute, NetfilterOptions, SocketHooks } from "./socket-hooks.js";
export { describeSlot, functionAt, lineAt } from "./source-line.js";
export type {
  CookieOptions,
  IterationLink,
  IteratorOptions,
  KprobeMultiOptions,
  KprobeOptions,
  PerfEventOptions,
  TracingHooks,
  UprobeMultiOptions,
  UprobeOptions,
  UprobePlace,
} from "./tracing-hooks.js";
export { type BytesLike, bytesCodec, type ValueCodec } from "./value-codec.js";
export { Variable } from "./variable.js";
export { VerifierError, type VerifierFailure } from "./verifier-error.js";
