import { E2BIG, EFAULT, EINVAL } from "../abi/index.js";
import type { Runtime } from "./runtime.js";
import { SkbContext } from "./skb-context.js";
import { XdpContext } from "./xdp-context.js";

/** `struct bpf_dynptr` as the kernel uses it: data:8 size:4 offset:4, the size with type and rights in its upper byte. */
const layout = { data: 0, size: 8, offset: 12, bytes: 16 } as const;
/** The largest that a dynptr can point to. */
export const DYNPTR_MAX_SIZE = 0xffffff;
const TYPE_SHIFT = 28;
const READ_ONLY = 0x8000_0000;

/** What a dynptr points into, as the kernel numbers it. */
export const dynptrType = { invalid: 0, local: 1, ringbuf: 2, skb: 3, xdp: 4 } as const;

/** A dynptr in a program's memory, at `address`. */
export interface Dynptr {
  readonly address: number;
  /** Address of the memory, or of the context whose packet it is; 0 for none. */
  readonly data: number;
  readonly size: number;
  readonly offset: number;
  readonly type: number;
  readonly readOnly: boolean;
}

/** Makes the dynptr at `address` one that points nowhere. */
export function clearDynptr(runtime: Runtime, address: number): void {
  if (!runtime.accessible(address, layout.bytes, true)) runtime.fault("a dynptr lies on the stack");
  runtime.memory.u8.fill(0, address, address + layout.bytes);
}

export function writeDynptr(runtime: Runtime, { address, data, size, offset, type, readOnly }: Dynptr): void {
  clearDynptr(runtime, address);
  const { view } = runtime.memory;
  view.setUint32(address + layout.data, data, true);
  view.setUint32(address + layout.size, (size | (type << TYPE_SHIFT) | (readOnly ? READ_ONLY : 0)) >>> 0, true);
  view.setUint32(address + layout.offset, offset, true);
}

export function readDynptr(runtime: Runtime, address: number): Dynptr {
  if (!runtime.accessible(address, layout.bytes, false)) runtime.fault("a dynptr lies on the stack");
  const { view } = runtime.memory;
  const size = view.getUint32(address + layout.size, true);
  return {
    address,
    data: view.getUint32(address + layout.data, true),
    size: size & DYNPTR_MAX_SIZE,
    offset: view.getUint32(address + layout.offset, true),
    type: (size & ~READ_ONLY) >>> TYPE_SHIFT,
    readOnly: (size & READ_ONLY) !== 0,
  };
}

/** -E2BIG where `length` bytes at `offset` are not all within the dynptr, else 0. */
export function checkRange({ size }: Dynptr, offset: number, length: number): number {
  return length > size || offset > size - length ? -E2BIG : 0;
}

/** Copies bytes that a dynptr points to. The range has been checked. */
export function readThrough(runtime: Runtime, dynptr: Dynptr, offset: number, to: number, length: number): number {
  const at = dynptr.offset + offset;
  const { context } = runtime.run;
  if (isPacket(dynptr, context)) return (context as XdpContext | SkbContext).read(at, to, length) ? 0 : -EFAULT;
  const from = memoryAt(runtime, dynptr, offset, length, false);
  if (from === 0) return -EFAULT;
  runtime.memory.u8.copyWithin(to, from, from + length);
  return 0;
}

/** Writes bytes where a dynptr points to. The range has been checked. */
export function writeThrough(runtime: Runtime, dynptr: Dynptr, offset: number, from: number, length: number): number {
  const { context } = runtime.run;
  const at = dynptr.offset + offset;
  if (dynptr.type === dynptrType.xdp && context instanceof XdpContext)
    return context.write(at, from, length) ? 0 : -EINVAL;
  if (dynptr.type === dynptrType.skb && context instanceof SkbContext) {
    if (at + length > context.length) return -EFAULT;
    runtime.memory.u8.copyWithin(context.packetStart + at, from, from + length);
    return 0;
  }
  const to = memoryAt(runtime, dynptr, offset, length, true);
  if (to === 0) return -EFAULT;
  runtime.memory.u8.copyWithin(to, from, from + length);
  return 0;
}

/** Address of `length` bytes at `offset`, where they are in one piece and the program may touch them; else 0. */
export function memoryAt(runtime: Runtime, dynptr: Dynptr, offset: number, length: number, write: boolean): number {
  const at = dynptr.offset + offset;
  const { context } = runtime.run;
  if (isPacket(dynptr, context)) {
    const packet = context as XdpContext | SkbContext;
    const linear = packet instanceof XdpContext ? packet.linearLength : packet.length;
    return at + length <= linear ? (packet instanceof XdpContext ? packet.data : packet.packetStart) + at : 0;
  }
  if (dynptr.type !== dynptrType.local && dynptr.type !== dynptrType.ringbuf) return 0;
  const address = dynptr.data + at;
  // What an unverified program made up itself is no dynptr.
  return length === 0 || runtime.accessible(address, length, write) ? address : 0;
}

function isPacket({ type }: Dynptr, context: unknown): boolean {
  return type === dynptrType.xdp
    ? context instanceof XdpContext
    : type === dynptrType.skb && context instanceof SkbContext;
}
