import {
  allocatePages,
  type FileDescriptor,
  lastErrno,
  libc,
  NativeBuffer,
  OwnedMapping,
  setU64,
  syscallError,
} from "../sys/index.js";
import { type RingOffsets, XdpRing } from "./ring.js";

const SOL_XDP = 283;
const XDP_MMAP_OFFSETS = 1;
const XDP_RX_RING = 2;
const XDP_TX_RING = 3;
const XDP_UMEM_REG = 4;
const XDP_UMEM_FILL_RING = 5;
const XDP_UMEM_COMPLETION_RING = 6;
const XDP_STATISTICS = 7;
/** Where mmap(2) finds each ring. */
const PAGE_OFFSETS = { rx: 0, tx: 0x8000_0000, fill: 0x1_0000_0000, completion: 0x1_8000_0000 } as const;
const UMEM_REG_SIZE = 24;

export type RingName = keyof typeof PAGE_OFFSETS;

/** The memory that frames lie in. */
export interface Umem {
  readonly buffer: ArrayBuffer;
  /** Bytes of one frame's place. */
  readonly frameSize: number;
  readonly frames: number;
}

function setOption(fd: number, option: number, value: NativeBuffer, size: number, what: string): void {
  if (libc().setsockopt(fd, SOL_XDP, option, value.address, size) < 0)
    throw syscallError(`setsockopt of ${what}`, lastErrno());
}

function getOption(fd: number, option: number, size: number, what: string): DataView {
  const value = new NativeBuffer(size + 8);
  value.view.setUint32(size, size, true);
  if (libc().getsockopt(fd, SOL_XDP, option, value.address, value.address + size) < 0) {
    throw syscallError(`getsockopt of ${what}`, lastErrno());
  }
  return value.view;
}

/** Gives the socket memory for frames. */
export function registerUmem(socket: FileDescriptor, frames: number, frameSize: number): Umem {
  const { buffer, address } = allocatePages(frames * frameSize);
  const value = new NativeBuffer(32);
  setU64(value.view, 0, address);
  setU64(value.view, 8, buffer.byteLength);
  value.view.setUint32(16, frameSize, true);
  // Without the fields of later kernels, which take the shorter struct.
  setOption(socket.number, XDP_UMEM_REG, value, UMEM_REG_SIZE, "XDP_UMEM_REG");
  return { buffer, frameSize, frames };
}

const options: Readonly<Record<RingName, readonly [option: number, name: string, wordsPerEntry: 2 | 4]>> = {
  rx: [XDP_RX_RING, "XDP_RX_RING", 4],
  tx: [XDP_TX_RING, "XDP_TX_RING", 4],
  fill: [XDP_UMEM_FILL_RING, "XDP_UMEM_FILL_RING", 2],
  completion: [XDP_UMEM_COMPLETION_RING, "XDP_UMEM_COMPLETION_RING", 2],
};

/** The four rings of a socket. The socket lives until they are unmapped. */
export interface XdpRings extends Readonly<Record<RingName, XdpRing>> {
  /** The rings must not be touched afterwards. */
  unmap(): void;
}

/** Makes the four rings, each of `size` entries, and maps them. */
export function createRings(socket: FileDescriptor, size: number): XdpRings {
  const fd = socket.number;
  const names = Object.keys(options) as RingName[];
  const count = new NativeBuffer(8);
  count.view.setUint32(0, size, true);
  for (const name of names) setOption(fd, options[name][0], count, 4, options[name][1]);
  const view = getOption(fd, XDP_MMAP_OFFSETS, 128, "XDP_MMAP_OFFSETS");
  const rings = {} as Record<RingName, XdpRing>;
  const mappings: OwnedMapping[] = [];
  names.forEach((name, i) => {
    const offsets = ringOffsets(view, i * 32);
    const [, option, words] = options[name];
    const mapping = new OwnedMapping(fd, PAGE_OFFSETS[name], offsets.descriptors + size * words * 4, option);
    mappings.push(mapping);
    rings[name] = new XdpRing(mapping.buffer, offsets, size, words);
  });
  return {
    ...rings,
    unmap: () => {
      for (const mapping of mappings) mapping.unmap();
    },
  };
}

function ringOffsets(view: DataView, at: number): RingOffsets {
  const field = (n: number) => Number(view.getBigUint64(at + n * 8, true));
  return { producer: field(0), consumer: field(1), descriptors: field(2), flags: field(3) };
}

/** What a socket has lost, and why. */
export interface XdpStatistics {
  /** Frames dropped for other reasons. */
  readonly rxDropped: bigint;
  readonly rxInvalidDescriptors: bigint;
  readonly txInvalidDescriptors: bigint;
  /** Frames that found the receive ring full. */
  readonly rxRingFull: bigint;
  /** Times that there was no free frame. */
  readonly fillRingEmpty: bigint;
  readonly txRingEmpty: bigint;
}

export function xdpStatistics(socket: FileDescriptor): XdpStatistics {
  const view = getOption(socket.number, XDP_STATISTICS, 48, "XDP_STATISTICS");
  const field = (n: number) => view.getBigUint64(n * 8, true);
  return {
    rxDropped: field(0),
    rxInvalidDescriptors: field(1),
    txInvalidDescriptors: field(2),
    rxRingFull: field(3),
    fillRingEmpty: field(4),
    txRingEmpty: field(5),
  };
}
