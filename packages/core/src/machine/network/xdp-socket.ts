import { EINVAL, ENOSPC } from "../../abi/index.js";
import type { Descriptors } from "../descriptors.js";
import type { Device } from "./device.js";

/** Frames that wait for their reader at most. */
const RING_SIZE = 2048;

/** An AF_XDP socket, bound to one receive queue of a device: where an entry of an xskmap sends frames. */
export class XdpSocket {
  /** What entries of an xskmap are written as. */
  readonly fd: number;
  readonly device: Device;
  readonly queue: number;
  /** Frames that found no room. */
  dropped = 0;
  readonly #descriptors: Descriptors;
  readonly #frames: Uint8Array[] = [];
  #open = true;

  /** @internal */
  constructor(descriptors: Descriptors, device: Device, queue: number) {
    this.#descriptors = descriptors;
    this.device = device;
    this.queue = queue;
    this.fd = descriptors.open(this);
  }

  /** The oldest frame that has arrived, or undefined. */
  receive(): Uint8Array | undefined {
    return this.#frames.shift();
  }

  /** @internal 0, or the negative errno that the kernel's redirection ends with. */
  deliver(device: Device, queue: number, bytes: () => Uint8Array): number {
    if (!this.#open || device !== this.device || queue !== this.queue) return -EINVAL;
    if (this.#frames.length >= RING_SIZE) {
      this.dropped++;
      return -ENOSPC;
    }
    this.#frames.push(bytes());
    return 0;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#descriptors.close(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
