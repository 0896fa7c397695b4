import type { Device } from "./device.js";
import type { Frame } from "./frame.js";
import type { Namespace } from "./namespace.js";

/** What a namespace itself does with packets that its devices receive. */
export class Stack {
  readonly #namespace: Namespace;

  constructor(namespace: Namespace) {
    this.#namespace = namespace;
  }

  /** A frame that nobody has taken on its way up. */
  receive(frame: Frame, _device: Device): void {
    this.#namespace.network.drop(frame);
  }

  /** Sends a packet out of a device, to a neighbour whose address goes in front of it. */
  toNeighbour(frame: Frame, _device: Device, _nextHop: Uint8Array | undefined): void {
    this.#namespace.network.drop(frame);
  }
}
