import { BpfError } from "../../base/index.js";
import { CaptureReader, linkTypes, PcapWriter } from "../../packet/index.js";
import { Device, type DeviceOptions } from "./device.js";
import type { Frame } from "./frame.js";
import type { Namespace } from "./namespace.js";
import { receiveSideScaling } from "./receive-side-scaling.js";

/** Frames that are kept for the caller at most. */
const KEPT_FRAMES = 65_536;
const ETH_HLEN = 14;
const NS_PER_SECOND = 1_000_000_000n;

/** Choices for a {@link CaptureDevice}. */
export interface CaptureDeviceOptions extends DeviceOptions {
  /**
   * Gets each frame that goes out, in place of {@link CaptureDevice.transmitted}. The bytes are the Machine's: good until
   * the function returns.
   */
  readonly sink?: ((frame: Uint8Array) => void) | undefined;
}

/** A network card whose wire is in the caller's hands: frames come in from a capture, and those that go out are kept. */
export class CaptureDevice extends Device {
  readonly kind = "capture";
  readonly nativeXdp = true;
  readonly refusesXdp = 0;
  /** Frames that went out, the oldest first; at most 65536, later ones are counted only. */
  readonly transmitted: Uint8Array[] = [];
  readonly #times: bigint[] = [];
  readonly #sink: ((frame: Uint8Array) => void) | undefined;

  /** @internal */
  constructor(namespace: Namespace, name: string, options: CaptureDeviceOptions) {
    super(namespace, name, options);
    this.#sink = options.sink;
  }

  /**
   * A frame comes in from the wire, at the queue that its flow's hash chooses unless one is given, and goes as far as it
   * gets before this returns.
   *
   * @throws RangeError for a frame under 14 bytes or beyond the MTU, or a queue that there isn't.
   */
  receive(bytes: Uint8Array, queue?: number): void {
    this.enqueue(bytes, queue);
    this.network.drain();
  }

  /** As {@link receive}, without waiting: `machine.run()`, or the next frame, moves it. */
  enqueue(
    bytes: Uint8Array,
    queue: number = this.rxQueues === 1 ? 0 : receiveSideScaling(bytes) % this.rxQueues,
  ): void {
    const { length } = bytes;
    if (length < ETH_HLEN || length > this.mtu + ETH_HLEN + 4) {
      throw new RangeError(
        `a frame for ${this.name} has ${ETH_HLEN} to ${this.mtu + ETH_HLEN + 4} bytes, not ${length}`,
      );
    }
    if (queue >>> 0 !== queue || queue >= this.rxQueues)
      throw new RangeError(`${this.name} has ${this.rxQueues} queues, none is ${queue}`);
    const { network } = this;
    if (!this.up) {
      this.counters.rxDropped++;
      return;
    }
    const frame = network.frames.from(bytes);
    frame.queueMapping = this.rxQueues === 1 ? 0 : queue + 1;
    network.arrive(frame, this, queue);
  }

  /**
   * Every packet of a pcap or pcapng file comes in from the wire. Returns how many there were.
   *
   * @throws FormatError, BpfError `"LINK_TYPE"` for a capture that isn't of Ethernet.
   */
  replay(capture: Uint8Array): number {
    const reader = new CaptureReader();
    reader.push(capture);
    let packets = 0;
    const drain = () => {
      for (let packet = reader.next(); packet !== undefined; packet = reader.next()) {
        if (packet.linkType !== linkTypes.ethernet)
          throw new BpfError("LINK_TYPE", `the capture has link type ${packet.linkType}, not Ethernet`);
        this.receive(packet.data);
        packets++;
      }
    };
    drain();
    reader.end();
    drain();
    return packets;
  }

  /** {@link transmitted} as a pcap file, with the Machine's time. */
  pcap(): Uint8Array {
    const chunks: Uint8Array[] = [];
    const writer = new PcapWriter((chunk) => chunks.push(chunk), { nanosecond: true });
    this.transmitted.forEach((frame, at) => {
      const time = this.#times[at]!;
      writer.write(frame, Number(time / NS_PER_SECOND), Number(time % NS_PER_SECOND));
    });
    writer.end();
    return concatenate(chunks);
  }

  /** Empties {@link transmitted} and returns what was in it. */
  takeTransmitted(): Uint8Array[] {
    this.#times.length = 0;
    return this.transmitted.splice(0);
  }

  startTransmit(frame: Frame): void {
    if (!this.up || this.checkForward(frame.length) !== 0) this.counters.txDropped++;
    else this.#send(frame);
    this.network.frames.release(frame);
  }

  transmitXdp(frame: Frame): number {
    const error = this.checkForward(frame.length);
    if (error !== 0) return error;
    this.#send(frame);
    this.network.frames.release(frame);
    return 0;
  }

  #send(frame: Frame): void {
    this.countSent(frame);
    if (this.#sink !== undefined) {
      this.#sink(frame.vlanProtocol === 0 ? this.network.view(frame) : this.network.bytes(frame));
    } else if (this.transmitted.length < KEPT_FRAMES) {
      this.transmitted.push(this.network.bytes(frame));
      this.#times.push(this.network.time());
    }
  }
}

function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
