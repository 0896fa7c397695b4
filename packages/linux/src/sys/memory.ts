import { encodeText } from "@tsbpf/core/base";
import koffi from "koffi";

/**
 * Address of a view's first byte. It stays valid as long as the view's buffer is referenced; nothing that the kernel is
 * given keeps it alive.
 */
export function addressOf(view: ArrayBufferView): number {
  return Number(koffi.address(view));
}

/** Writes an address or another number below 2^53 as a little-endian u64. */
export function setU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
}

/** Bytes at an address as an ArrayBuffer without a copy. Touching it after they are unmapped ends the process. */
export function viewOf(address: number, length: number): ArrayBuffer {
  return koffi.view(BigInt(address), length);
}

const SMALL = 512;
const SLAB = 1 << 15;
let slab: { readonly buffer: ArrayBuffer; readonly address: number; used: number } | undefined;

/**
 * Room in a buffer that many small ones share: making a buffer, and asking for its address, costs more than most system
 * calls. Room is handed out once, so that it is zero; the buffer lives as long as one of those who share it.
 */
function takeSmall(length: number): { buffer: ArrayBuffer; address: number; offset: number } {
  const size = (length + 7) & ~7;
  if (slab === undefined || slab.used + size > SLAB) {
    const buffer = new ArrayBuffer(SLAB);
    slab = { buffer, address: addressOf(new Uint8Array(buffer)), used: 0 };
  }
  const offset = slab.used;
  slab.used += size;
  return { buffer: slab.buffer, address: slab.address, offset };
}

/** Memory that system calls read and write: its address is taken once. */
export class NativeBuffer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  readonly address: number;

  constructor(length: number) {
    if (length <= SMALL) {
      const { buffer, address, offset } = takeSmall(length);
      this.bytes = new Uint8Array(buffer, offset, length);
      this.view = new DataView(buffer, offset, length);
      this.address = address + offset;
      return;
    }
    // From an ArrayBuffer: V8 keeps the storage of small typed arrays within its heap, where it moves.
    this.bytes = new Uint8Array(new ArrayBuffer(length));
    this.view = new DataView(this.bytes.buffer);
    this.address = addressOf(this.bytes);
  }

  get length(): number {
    return this.bytes.length;
  }
}

/** `text` as a NUL-terminated C string. */
export function cString(text: string): Uint8Array {
  return encodeText(`${text}\0`);
}

const decoder = new TextDecoder();

/** The text of `bytes` up to the first NUL, or all of it. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

let kept: unknown;

/**
 * Keeps `value` from being collected up to this line. The engine may collect what the code doesn't mention any more, and
 * an address that the kernel was given mentions nothing.
 */
export function keepAlive(value: unknown): void {
  kept = value;
}

/** Only so that the last kept value is not dead code. @internal */
export function lastKept(): unknown {
  return kept;
}
