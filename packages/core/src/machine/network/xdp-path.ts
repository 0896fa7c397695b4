import { BPF_F_XDP_HAS_FRAGS } from "../../abi/index.js";
import { XDP_FRAME_BYTES, type XdpContext } from "../../runtime/index.js";
import type { MachineProgram } from "../machine-program.js";
import type { Device } from "./device.js";
import type { Frame } from "./frame.js";
import type { Network } from "./network.js";
import { xdpAction } from "./xdp-action.js";
import { XdpRedirect } from "./xdp-redirect.js";

/** Runs XDP programs on frames and does what they say. */
export class XdpPath {
  readonly #network: Network;
  readonly #context: XdpContext;
  readonly #redirect: XdpRedirect;

  constructor(network: Network, context: XdpContext) {
    this.#network = network;
    this.#context = context;
    this.#redirect = new XdpRedirect(network, this);
  }

  /**
   * A device's program decides about a frame that has come in. When it isn't XDP_PASS, the frame has gone where it was
   * sent, or is dropped.
   */
  receive(frame: Frame, program: MachineProgram, native: boolean): number {
    const { device } = frame;
    const { counters } = device;
    this.#network.programs.environment.redirect.clear();
    const action = this.run(frame, program, device);
    switch (action) {
      case xdpAction.pass:
        counters.xdpPass++;
        return action;
      case xdpAction.drop:
        counters.xdpDrop++;
        break;
      case xdpAction.tx:
        counters.xdpTx++;
        if (this.#transmit(frame, program, native)) return action;
        break;
      case xdpAction.redirect:
        counters.xdpRedirect++;
        this.#redirect.carryOut(frame, program, native);
        return action;
      default:
        counters.xdpAborted++;
        this.exception(device, program, action);
    }
    this.#network.frames.release(frame);
    return action;
  }

  /** The program behind a CPU map's entry, on that CPU. */
  onCpu(frame: Frame): number {
    const { device } = frame;
    const entry = frame.entry!;
    const { program } = entry;
    entry.waiting--;
    frame.entry = undefined;
    frame.redirected = true;
    if (program === undefined) return xdpAction.pass;
    this.#network.programs.environment.redirect.clear();
    const action = this.run(frame, program, device);
    // Taken when the frame began to wait.
    program.unreference();
    switch (action) {
      case xdpAction.pass:
        return action;
      case xdpAction.redirect:
        this.#redirect.carryOut(frame, program, true);
        return action;
      case xdpAction.drop:
        break;
      default:
        this.exception(device, program, action);
    }
    this.#network.frames.release(frame);
    return action;
  }

  /** Runs a program on a frame; the frame's bounds are as the program left them. `egress`: the device it is to leave by. */
  run(frame: Frame, program: MachineProgram, device: Device, egress: Device | undefined = undefined): number {
    const context = this.#context;
    const { programs } = this.#network;
    const { memory } = programs.environment.runtime;
    const large = frame.size !== XDP_FRAME_BYTES;
    if (large) {
      // What does not fit into a page comes in fragments, and not every program takes those.
      if ((program.spec.flags & BPF_F_XDP_HAS_FRAGS) === 0) return xdpAction.drop;
      context.load(memory.u8, frame.data, frame.length);
    } else context.adopt(frame.page, frame.meta, frame.data, frame.end);
    context.setReceiver(device.index, frame.queue);
    if (egress !== undefined) context.setSender(egress.index);
    const action = programs.run(program, context, device);
    if (large) {
      frame.end = frame.data + context.length;
      context.copyTo(memory.u8, frame.data);
    } else {
      frame.meta = context.packetStart;
      frame.data = context.data;
      frame.end = context.packetEnd;
    }
    return action;
  }

  /** What the kernel traces as xdp_exception. */
  exception(device: Device, program: MachineProgram, action: number): void {
    this.#network.programs.event({ kind: "xdp_exception", device, program, action });
  }

  close(): void {
    this.#context.close();
  }

  /** XDP_TX: back out of the device; false where it won't. */
  #transmit(frame: Frame, program: MachineProgram, native: boolean): boolean {
    const { device } = frame;
    if (!native) {
      device.startTransmit(frame);
      return true;
    }
    frame.clearMarks();
    frame.meta = frame.data;
    if (device.transmitXdp(frame) === 0) return true;
    device.counters.txDropped++;
    this.exception(device, program, xdpAction.tx);
    return false;
  }
}
