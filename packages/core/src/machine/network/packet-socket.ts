import { EMSGSIZE, ENETDOWN } from "../../abi/index.js";
import { failure } from "../failure.js";
import type { Device } from "./device.js";
import type { Frame } from "./frame.js";
import type { SocketFilter } from "./socket.js";

/** Frames that wait for their reader at most. */
const QUEUE_LIMIT = 4096;
const ETH_HLEN = 14;

/**
 * A packet socket (AF_PACKET, SOCK_RAW) on one device. It sees frames that come in before tc does, and frames that go
 * out after tc; what XDP takes it never sees. VLAN tags are put back where they were.
 */
export class PacketSocket {
  readonly device: Device;
  /** For {@link Machine.attachSocketFilter} by number. */
  readonly fd: number;
  /** @internal Decides how much of each frame is kept. */
  filter: SocketFilter | undefined;
  /** Frames that found no room. */
  dropped = 0;
  readonly #frames: Uint8Array[] = [];
  #open = true;

  /** @internal */
  constructor(device: Device) {
    this.device = device;
    this.fd = device.network.descriptors.open(this);
    device.taps = [...device.taps, this];
  }

  /**
   * Sends a frame out of the device. It goes as far as it gets before this returns.
   *
   * @throws SyscallError EMSGSIZE, ENETDOWN. A frame that a tc program drops is no error here, other than in the kernel.
   */
  send(bytes: Uint8Array): void {
    this.enqueue(bytes);
    this.device.network.drain();
  }

  /** As {@link send}, without waiting: `machine.run()`, or the next frame, moves it. */
  enqueue(bytes: Uint8Array): void {
    const { device } = this;
    if (!device.up) throw failure("send", ENETDOWN, `${device.name} is down`);
    if (bytes.length < ETH_HLEN || bytes.length > device.mtu + ETH_HLEN + 4)
      throw failure(
        "send",
        EMSGSIZE,
        `${device.name} takes frames of ${ETH_HLEN} to ${device.mtu + ETH_HLEN + 4} bytes`,
      );
    // The kernel looks for the transport header of what such a socket sends.
    if (device.namespace.dissector !== undefined) device.network.dissection.keys(device.namespace, bytes);
    const frame = device.network.frames.from(bytes);
    frame.origin = this;
    device.network.transmitLater(frame, device);
  }

  /** The oldest frame that was seen, or undefined. */
  receive(): Uint8Array | undefined {
    return this.#frames.shift();
  }

  /** @internal */
  see(frame: Frame): void {
    if (frame.origin === this) return;
    const { network } = this.device;
    let bytes = network.bytes(frame);
    if (this.filter !== undefined) {
      const kept = network.hooks.filterFrame(this.filter, bytes, this.device);
      if (kept === 0) return;
      bytes = bytes.subarray(0, kept);
    }
    if (this.#frames.length < QUEUE_LIMIT) this.#frames.push(bytes);
    else this.dropped++;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.device.network.descriptors.close(this.fd);
    if (this.filter !== undefined && "link" in this.filter) this.filter.link.object.detach();
    this.device.taps = this.device.taps.filter((tap) => tap !== this);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
