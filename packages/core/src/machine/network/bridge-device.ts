import { EBUSY, EINVAL, ELOOP, EOPNOTSUPP } from "../../abi/index.js";
import { failure } from "../failure.js";
import { Device, type DeviceOptions } from "./device.js";
import type { Frame } from "./frame.js";
import type { Namespace } from "./namespace.js";
import { addressee } from "./tc-path.js";

/** Nanoseconds that a station is remembered for (the kernel's 300 s). */
const AGEING_TIME = 300_000_000_000;
const PACKET_HOST = 0;

/** A station that was heard, and where. */
interface Station {
  readonly port: Device;
  readonly heard: number;
}

/**
 * A learning bridge: what comes in at one port leaves by the one where its destination was heard last, else by all others.
 * Frames for the bridge's address, and for everybody, come in at the bridge itself. There is no spanning tree and no VLAN
 * filtering.
 */
export class BridgeDevice extends Device {
  readonly kind = "bridge";
  readonly nativeXdp = false;
  readonly refusesXdp = -EOPNOTSUPP;
  readonly #ports = new Set<Device>();
  readonly #stations = new Map<string, Station>();

  /** @internal */
  constructor(namespace: Namespace, name: string, options: DeviceOptions) {
    super(namespace, name, options);
  }

  get ports(): readonly Device[] {
    return [...this.#ports];
  }

  /** @throws SyscallError EINVAL for a device of another namespace or a loopback, EBUSY for a bridge's port, ELOOP for a bridge. */
  addPort(device: Device): void {
    const command = "RTM_NEWLINK";
    if (device.namespace !== this.namespace || device.kind === "loopback")
      throw failure(command, EINVAL, `${device.name} can't be a port of ${this.name}`);
    if (device instanceof BridgeDevice) throw failure(command, ELOOP, "a bridge is no port of a bridge");
    if (device.bridge !== undefined) throw failure(command, EBUSY, `${device.name} is a port already`);
    device.bridge = this;
    this.#ports.add(device);
  }

  removePort(device: Device): void {
    if (!this.#ports.delete(device)) return;
    device.bridge = undefined;
    for (const [mac, { port }] of this.#stations) if (port === device) this.#stations.delete(mac);
  }

  /** @internal A port takes a frame on its way up. */
  receive(frame: Frame, from: Device): void {
    const { u8 } = this.network.programs.environment.runtime.memory;
    if (isLinkLocal(u8, frame.data)) {
      // The link's own business (STP, LLDP ...): bridges do not forward it.
      this.network.drop(frame);
      return;
    }
    const source = macAt(u8, frame.data + 6);
    if ((u8[frame.data + 6]! & 1) === 0) this.#stations.set(source, { port: from, heard: this.network.now() });
    const whom = addressee(u8, frame.data, this);
    const isGroup = (u8[frame.data]! & 1) !== 0;
    if (whom === PACKET_HOST || addressee(u8, frame.data, from) === PACKET_HOST) this.#up(frame);
    else if (isGroup) {
      this.#flood(frame, from);
      this.#up(frame);
    } else this.#forward(frame, from);
  }

  startTransmit(frame: Frame): void {
    this.countSent(frame);
    const { u8 } = this.network.programs.environment.runtime.memory;
    if (u8[frame.data]! & 1) {
      this.#flood(frame, undefined);
      this.network.drop(frame);
    } else this.#forward(frame, undefined);
  }

  transmitXdp(): number {
    return -EOPNOTSUPP;
  }

  #up(frame: Frame): void {
    frame.device = this;
    this.network.receiveAtOnce(frame);
  }

  #forward(frame: Frame, from: Device | undefined): void {
    const { u8 } = this.network.programs.environment.runtime.memory;
    const mac = macAt(u8, frame.data);
    const station = this.#stations.get(mac);
    if (station === undefined || this.network.now() - station.heard > AGEING_TIME) {
      this.#stations.delete(mac);
      this.#flood(frame, from);
      this.network.drop(frame);
    } else if (station.port === from || station.port.checkForward(frame.length) !== 0) this.network.drop(frame);
    else this.#send(frame, station.port);
  }

  /** Copies go out of all ports but the one that it came by. */
  #flood(frame: Frame, from: Device | undefined): void {
    for (const port of [...this.#ports].reverse()) {
      if (port === from || port.checkForward(frame.length) !== 0) continue;
      const copy = this.network.frames.copy(frame);
      copy.depth = frame.depth;
      this.#send(copy, port);
    }
  }

  #send(frame: Frame, port: Device): void {
    frame.device = port;
    frame.depth++;
    this.network.sendAtOnce(frame);
  }
}

function macAt(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 6).join();
}

/** 01:80:c2:00:00:00 to 0f. */
function isLinkLocal(bytes: Uint8Array, at: number): boolean {
  const [a, b, c, d, e, f] = bytes.subarray(at, at + 6);
  return a === 1 && b === 0x80 && c === 0xc2 && d === 0 && e === 0 && f! < 16;
}
