import { EBADRQC, EINVAL, ENETDOWN, ENOSPC } from "../../abi/index.js";
import { handleSlot, type LiveMap } from "../../maps/index.js";
import type { RedirectTarget } from "../../runtime/index.js";
import type { MachineProgram } from "../machine-program.js";
import { Device } from "./device.js";
import type { Frame } from "./frame.js";
import type { Network } from "./network.js";
import type { CpuEntry, DeviceEntry, RedirectEntry } from "./redirect-entry.js";
import { xdpAction } from "./xdp-action.js";

const BPF_F_EXCLUDE_INGRESS = 1 << 4;

/** Runs programs behind entries, and tells of those that make no sense. */
interface XdpProgramRun {
  run(frame: Frame, program: MachineProgram, device: Device, egress: Device): number;
  exception(device: Device, program: MachineProgram, action: number): void;
}

/** Carries frames to where XDP programs redirect them. */
export class XdpRedirect {
  readonly #network: Network;
  readonly #path: XdpProgramRun;

  constructor(network: Network, path: XdpProgramRun) {
    this.#network = network;
    this.#path = path;
  }

  /** What the program asked for last happens to the frame; a failure is told, and the frame dropped. */
  carryOut(frame: Frame, program: MachineProgram, native: boolean): void {
    const { device } = frame;
    const error = this.#send(frame, this.#network.programs.environment.redirect, native);
    if (error === 0) return;
    device.counters.xdpRedirectErrors++;
    this.#network.programs.event({ kind: "xdp_redirect_error", device, program, errno: -error });
    this.#network.frames.release(frame);
  }

  /** 0 when the frame has been taken; else a negative errno, and it is still the caller's. */
  #send(frame: Frame, target: RedirectTarget, native: boolean): number {
    if (target.kind === "device") {
      const device = frame.device.namespace.findDevice(target.index);
      return device === undefined ? -EINVAL : this.#toDevice(frame, device, undefined, native);
    }
    if (target.kind !== "map") return -EINVAL;
    if (target.value === 0) return this.#broadcast(frame, target, native);
    const { u32 } = this.#network.programs.environment.runtime.memory;
    const entry = this.#network.entries.get(u32[(target.value + handleSlot.HANDLE) >>> 2]!);
    switch (entry?.kind) {
      case "device":
        return this.#toEntry(frame, entry, native);
      case "cpu":
        return this.#toCpu(frame, entry, native);
      case "socket":
        return this.#toSocket(frame, entry);
      default:
        return -EBADRQC;
    }
  }

  #toEntry(frame: Frame, { device, program }: DeviceEntry, native: boolean): number {
    if (!(device instanceof Device) || device.removed) return -ENETDOWN;
    return this.#toDevice(frame, device, program, native);
  }

  /** The program behind the entry, if there is one, sees the frame before the device does. */
  #toDevice(frame: Frame, target: Device, program: MachineProgram | undefined, native: boolean): number {
    const error = target.checkForward(frame.end - frame.data);
    if (error !== 0) return error;
    if (native) {
      const refused = target.refusesXdp;
      if (refused !== 0) return refused;
      frame.clearMarks();
    }
    if (program !== undefined) {
      const { device } = frame;
      const action = this.#path.run(frame, program, device, target);
      if (action !== xdpAction.pass) {
        if (action !== xdpAction.drop) this.#path.exception(target, program, action);
        this.#network.frames.release(frame);
        return 0;
      }
    }
    frame.meta = frame.data;
    if (!native) {
      frame.device = target;
      target.startTransmit(frame);
      return 0;
    }
    if (target.transmitXdp(frame) === 0) return 0;
    // The redirection itself went well: the target counts what it could not send.
    target.counters.txDropped++;
    this.#network.frames.release(frame);
    return 0;
  }

  /** To every device of the map that takes it, in the order of the keys; each gets a copy of its own. */
  #broadcast(frame: Frame, target: RedirectTarget, native: boolean): number {
    const map = this.#network.programs.environment.maps.mapAt(target.map);
    if (map === undefined) return -EINVAL;
    const excluded = (target.flags & BPF_F_EXCLUDE_INGRESS) !== 0 ? frame.device : undefined;
    let last: DeviceEntry | undefined;
    for (const entry of this.#entriesOf(map)) {
      const { device } = entry;
      if (!(device instanceof Device) || device.removed || device === excluded) continue;
      if (device.checkForward(frame.length) !== 0 || (native && device.refusesXdp !== 0)) continue;
      if (last !== undefined) {
        const copy = this.#network.frames.copy(frame);
        if (this.#toEntry(copy, last, native) !== 0) this.#network.frames.release(copy);
      }
      last = entry;
    }
    if (last === undefined) {
      // Nobody wanted it, which is no error.
      this.#network.frames.release(frame);
      return 0;
    }
    return this.#toEntry(frame, last, native);
  }

  *#entriesOf(map: LiveMap): IterableIterator<DeviceEntry> {
    const { memory, functions } = this.#network.programs.environment.maps;
    const scratch = memory.alloc(8);
    try {
      const next = new Uint8Array(4);
      for (let error = map.nextKey(undefined, next); error === 0; error = map.nextKey(next.slice(), next)) {
        memory.u8.set(next, scratch);
        const value = functions.lookup(map.address, scratch) >>> 0;
        const entry =
          value === 0 ? undefined : this.#network.entries.get(memory.u32[(value + handleSlot.HANDLE) >>> 2]!);
        if (entry?.kind === "device") yield entry;
      }
    } finally {
      memory.free(scratch);
    }
  }

  #toCpu(frame: Frame, entry: CpuEntry, native: boolean): number {
    const { program, cpu } = entry;
    if (entry.waiting >= entry.queueSize) return -ENOSPC;
    if (native) frame.clearMarks();
    frame.entry = entry;
    entry.waiting++;
    // The frame may outlive the entry.
    program?.reference();
    this.#network.forCpu(frame, cpu);
    return 0;
  }

  #toSocket(frame: Frame, { socket }: RedirectEntry & { kind: "socket" }): number {
    const error = socket.deliver(frame.device, frame.queue, () => this.#network.bytes(frame));
    if (error === 0) this.#network.frames.release(frame);
    return error;
  }
}
