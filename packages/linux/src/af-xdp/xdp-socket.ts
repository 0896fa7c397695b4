import { BpfError } from "@tsbpf/core/base";
import { deviceIndex } from "../attach/device.js";
import { type Pollable, Poller } from "../events/poller.js";
import { closedError, errnos, FileDescriptor, lastErrno, libc, NativeBuffer, syscallError } from "../sys/index.js";
import type { XdpRing } from "./ring.js";
import { createRings, registerUmem, type Umem, type XdpRings, type XdpStatistics, xdpStatistics } from "./setup.js";

const AF_XDP = 44;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const MSG_DONTWAIT = 0x40;
const bindFlags = { copy: 1 << 1, "zero-copy": 1 << 2, auto: 0 } as const;
const XDP_USE_NEED_WAKEUP = 1 << 3;

/** Choices for an `XdpSocket`. */
export interface XdpSocketOptions {
  /** Network device, in the calling thread's network namespace. */
  readonly device: string | number;
  /** Receive queue of the device. Default 0. */
  readonly queue?: number | undefined;
  /** Default `"auto"`: zero-copy where the driver has it. */
  readonly mode?: keyof typeof bindFlags | undefined;
  /** Places for frames, half of them for receiving; a power of two. Default 4096. */
  readonly frames?: number | undefined;
  /** Bytes of a place, 2048 or 4096. Default 2048. */
  readonly frameSize?: number | undefined;
}

/**
 * An AF_XDP socket: frames of one queue of a device, in memory shared with the kernel (since 4.18). An XDP program sends it
 * frames through an XSKMAP, in which it is put by `map.raw.updateFd(key, socket.fd)`.
 *
 * Half of the memory's places belong to receiving, half to sending.
 */
export class XdpSocket implements Pollable {
  readonly #fd: FileDescriptor;
  readonly #umem: Umem;
  readonly #rx: XdpRing;
  readonly #tx: XdpRing;
  readonly #fill: XdpRing;
  readonly #completion: XdpRing;
  readonly #rings: XdpRings;
  /** Places that can be written for sending, by their byte offset. */
  readonly #spare: number[] = [];
  #handler: ((frame: Uint8Array) => void) | undefined;
  #poller: Poller | undefined;

  /**
   * @throws SyscallError ENODEV, EOPNOTSUPP for zero-copy that the driver lacks, EBUSY for a queue that has a socket (also
   * for some milliseconds after that was closed: the kernel gives the queue back later)
   */
  constructor(options: XdpSocketOptions) {
    const { frames = 4096, frameSize = 2048, mode = "auto" } = options;
    if (frames < 4 || (frames & (frames - 1)) !== 0)
      throw new BpfError("VALUE", `frames is a power of two, not ${frames}`);
    const index = deviceIndex(options.device);
    const fd = libc().socket(AF_XDP, SOCK_RAW_CLOEXEC, 0);
    if (fd < 0) throw syscallError("socket of AF_XDP", lastErrno());
    this.#fd = new FileDescriptor(fd, `AF_XDP socket of ${options.device}`);
    try {
      this.#umem = registerUmem(this.#fd, frames, frameSize);
      this.#rings = createRings(this.#fd, frames / 2);
      const { rx, tx, fill, completion } = this.#rings;
      this.#rx = rx;
      this.#tx = tx;
      this.#fill = fill;
      this.#completion = completion;
      this.#distribute();
      this.#bind(index, options.queue ?? 0, bindFlags[mode] | XDP_USE_NEED_WAKEUP, options.device);
    } catch (error) {
      this.#fd.close();
      throw error;
    }
  }

  get fd(): number {
    return this.#fd.number;
  }

  statistics(): XdpStatistics {
    return xdpStatistics(this.#fd);
  }

  /**
   * Takes frames that have arrived, up to `limit`. The bytes that `handler` is given lie in the shared memory: they are
   * valid during the call, and may be changed.
   *
   * @returns How many there were.
   */
  receive(handler: (frame: Uint8Array) => void, limit = 256): number {
    this.#checkOpen();
    const count = Math.min(this.#rx.filled, limit, this.#fill.free);
    const { words } = this.#rx;
    for (let n = 0; n < count; n++) {
      const entry = this.#rx.consumerEntry(n);
      const address = words[entry]!;
      handler(new Uint8Array(this.#umem.buffer, address, words[entry + 2]!));
      // The rings are unmapped when the handler has closed the socket.
      if (this.#fd.closed) return n + 1;
      // The place is free again; the kernel takes any address within it.
      const slot = this.#fill.producerEntry(n);
      this.#fill.words[slot] = address - (address % this.#umem.frameSize);
      this.#fill.words[slot + 1] = 0;
    }
    if (count > 0) {
      this.#rx.consume(count);
      this.#fill.produce(count);
    }
    if (this.#fill.needsWakeup) this.#wake();
    return count;
  }

  /**
   * Sends frames.
   *
   * @returns How many were taken; the rest finds no place until others have left.
   * @throws BpfError `"VALUE"` for a frame that is larger than a place.
   */
  send(frames: readonly Uint8Array[]): number {
    this.#checkOpen();
    this.#reclaim();
    const count = Math.min(frames.length, this.#spare.length, this.#tx.free);
    const { words } = this.#tx;
    for (let n = 0; n < count; n++) {
      const frame = frames[n]!;
      if (frame.length > this.#umem.frameSize) {
        throw new BpfError("VALUE", `a frame of ${frame.length} bytes does not fit a place of ${this.#umem.frameSize}`);
      }
      const address = this.#spare[this.#spare.length - 1 - n]!;
      new Uint8Array(this.#umem.buffer, address, frame.length).set(frame);
      const entry = this.#tx.producerEntry(n);
      words[entry] = address;
      words[entry + 1] = 0;
      words[entry + 2] = frame.length;
      words[entry + 3] = 0;
    }
    this.#spare.length -= count;
    this.#tx.produce(count);
    if (this.#tx.needsWakeup) this.#wake();
    return count;
  }

  /** Calls `handler` for each frame that arrives, from the event loop, until {@link close} or the next call. */
  onFrame(handler: (frame: Uint8Array) => void): void {
    this.#poller?.stop();
    this.#handler = handler;
    this.#poller = new Poller(this.fd, this);
    this.#poller.start();
  }

  /** @internal */
  consume(milliseconds: number): boolean {
    const end = performance.now() + milliseconds;
    while (this.#handler !== undefined && !this.#fd.closed) {
      if (this.receive(this.#handler) === 0) return false;
      if (performance.now() >= end) return true;
    }
    return false;
  }

  close(): void {
    if (this.#fd.closed) return;
    this.#poller?.stop();
    this.#handler = undefined;
    this.#fd.close();
    this.#rings.unmap();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Everything that touches the rings asks first. */
  #checkOpen(): void {
    if (this.#fd.closed) throw closedError("the AF_XDP socket");
  }

  /** The first half of the places goes to the kernel, to receive into. */
  #distribute(): void {
    const { frames, frameSize } = this.#umem;
    for (let n = 0; n < frames / 2; n++) {
      const slot = this.#fill.producerEntry(n);
      this.#fill.words[slot] = n * frameSize;
      this.#fill.words[slot + 1] = 0;
      this.#spare.push((frames / 2 + n) * frameSize);
    }
    this.#fill.produce(frames / 2);
  }

  /** struct sockaddr_xdp */
  #bind(index: number, queue: number, flags: number, device: string | number): void {
    const address = new NativeBuffer(16);
    address.view.setUint16(0, AF_XDP, true);
    address.view.setUint16(2, flags, true);
    address.view.setUint32(4, index, true);
    address.view.setUint32(8, queue, true);
    if (libc().bind(this.fd, address.address, address.length) < 0) {
      throw syscallError(`bind of an AF_XDP socket to ${device}`, lastErrno());
    }
  }

  /** Frames that have left give their places back. */
  #reclaim(): void {
    const count = this.#completion.filled;
    for (let n = 0; n < count; n++) this.#spare.push(this.#completion.words[this.#completion.consumerEntry(n)]!);
    if (count > 0) this.#completion.consume(count);
  }

  #wake(): void {
    if (libc().sendto(this.fd, 0, 0, MSG_DONTWAIT, 0, 0) >= 0) return;
    const errno = lastErrno();
    // The kernel is at it already, or the device is down for the moment.
    const passing: readonly number[] = [errnos.EAGAIN, errnos.EBUSY, errnos.ENOBUFS, errnos.ENETDOWN];
    if (!passing.includes(errno)) throw syscallError("sendto of an AF_XDP socket", errno);
  }
}
