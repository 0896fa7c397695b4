import { ENETDOWN, ETH_P_8021Q } from "../../abi/index.js";
import { XdpContext } from "../../runtime/index.js";
import type { Device } from "./device.js";
import type { Frame } from "./frame.js";
import type { Network } from "./network.js";
import { step } from "./step.js";
import { TcPath, tcAction } from "./tc-path.js";
import { untagVlan } from "./vlan.js";
import { xdpAction } from "./xdp-action.js";
import { XdpPath } from "./xdp-path.js";

/** Times that tc programs may send a frame on before it is taken for a loop: once more than XMIT_RECURSION_LIMIT. */
const TRANSMIT_DEPTH = 9;
const BPF_F_INGRESS = 1;
const VLAN_ID = 0xfff;

/** What happens to a frame between a device's wire and the namespace's own, step by step. */
export class PacketPath {
  readonly #network: Network;
  readonly #xdp: XdpPath;
  readonly #tc: TcPath;

  constructor(network: Network) {
    this.#network = network;
    this.#xdp = new XdpPath(network, new XdpContext(network.programs.environment.runtime));
    this.#tc = new TcPath(network);
  }

  step(frame: Frame): void {
    switch (frame.step) {
      case step.driver:
        this.#driver(frame);
        break;
      case step.stack:
        this.#stack(frame);
        break;
      case step.cpu:
        this.#cpu(frame);
        break;
      default:
        this.#transmit(frame);
        break;
    }
  }

  /**
   * bpf_clone_redirect(): a copy of the packet of the run in progress goes its own way, as far as another device's driver,
   * before this returns. 0, or a negative errno.
   */
  clone(index: number, flags: number): number {
    const frame = this.#tc.clone(index, flags);
    if (frame === undefined) return flags & BPF_F_INGRESS ? 0 : -ENETDOWN;
    const { level } = this.#tc;
    if (level === 0) {
      // A test run's: there is no transmission that it could be part of.
      this.#network.transmitLater(frame, frame.device);
      return 0;
    }
    if (level >= TRANSMIT_DEPTH) {
      this.#network.drop(frame);
      return -ENETDOWN;
    }
    frame.depth = level;
    const redirect = this.#network.programs.environment.redirect.copy();
    this.#network.atOnce(() => this.#transmit(frame));
    this.#network.programs.environment.redirect.assign(redirect);
    return 0;
  }

  close(): void {
    this.#xdp.close();
    this.#tc.close();
  }

  #driver(frame: Frame): void {
    const { device } = frame;
    if (!device.up || device.removed) {
      this.#refuse(frame);
      return;
    }
    device.counters.rxPackets++;
    device.counters.rxBytes += frame.end - frame.data;
    const { xdp } = device;
    if (xdp !== undefined && xdp.mode === "native") {
      if (this.#xdp.receive(frame, xdp.program, true) !== xdpAction.pass) return;
    }
    this.#up(frame);
  }

  #stack(frame: Frame): void {
    const { device } = frame;
    if (!device.up || device.removed) {
      this.#refuse(frame);
      return;
    }
    device.counters.rxPackets++;
    device.counters.rxBytes += frame.length;
    this.#up(frame);
  }

  #cpu(frame: Frame): void {
    if (this.#xdp.onCpu(frame) === xdpAction.pass) this.#up(frame);
  }

  /** From the driver, or past it, to the namespace. */
  #up(frame: Frame): void {
    const { device } = frame;
    frame.ingressIndex = device.index;
    const { xdp } = device;
    if (xdp !== undefined && xdp.mode === "generic" && !frame.redirected) {
      if (this.#xdp.receive(frame, xdp.program, false) !== xdpAction.pass) return;
    }
    frame.meta = frame.data;
    untagVlan(frame, this.#network.programs.environment.runtime.memory);
    for (const tap of device.taps) tap.see(frame);
    if (device.ingress.empty) {
      this.#deliver(frame, device);
      return;
    }
    this.#decide(frame, true);
  }

  #transmit(frame: Frame): void {
    const { device } = frame;
    if (!device.up || device.removed || frame.depth > TRANSMIT_DEPTH) {
      device.counters.txDropped++;
      this.#network.drop(frame);
      return;
    }
    if (device.egress.empty) {
      this.#start(frame, device);
      return;
    }
    this.#decide(frame, false);
  }

  #decide(frame: Frame, ingress: boolean): void {
    const hook = ingress ? frame.device.ingress : frame.device.egress;
    const decided = this.#tc.run(frame, hook, ingress);
    if (ingress) this.#ingressVerdict(decided);
    else this.#egressVerdict(decided);
  }

  #ingressVerdict(frame: Frame): void {
    if (!this.#taken(frame, true)) this.#deliver(frame, frame.device);
  }

  #egressVerdict(frame: Frame): void {
    if (!this.#taken(frame, false)) this.#start(frame, frame.device);
  }

  /** Carries out verdicts that take the frame out of its way; false for those that let it go on. */
  #taken(frame: Frame, ingress: boolean): boolean {
    switch (frame.verdict) {
      case tcAction.redirect:
        this.#redirect(frame, ingress);
        return true;
      case tcAction.shot:
        frame.device.counters.tcDropped++;
        this.#network.drop(frame);
        return true;
      case tcAction.stolen:
      case tcAction.queued:
      case tcAction.trap:
        this.#network.drop(frame);
        return true;
      default:
        return false;
    }
  }

  #redirect(frame: Frame, ingress: boolean): void {
    const { redirection, device } = frame;
    const target = redirection === undefined ? undefined : device.namespace.findDevice(redirection.index);
    if (redirection === undefined || target === undefined) {
      this.#drop(frame);
      return;
    }
    frame.redirection = undefined;
    if (redirection.kind === "peer") {
      this.#toPeer(frame, target, ingress);
      return;
    }
    if (redirection.kind === "neigh") {
      frame.depth++;
      device.namespace.stack.toNeighbour(frame, target, redirection.nextHop);
      return;
    }
    if (redirection.flags & BPF_F_INGRESS) {
      if (!target.up) {
        this.#drop(frame);
        return;
      }
      frame.priority = 0;
      this.#network.backlog(frame, target);
      return;
    }
    frame.depth++;
    frame.device = target;
    this.#network.immediately(frame, step.transmit);
  }

  /** bpf_redirect_peer(): the frame is in the other namespace at once, without being sent. */
  #toPeer(frame: Frame, target: Device, ingress: boolean): void {
    const { peer } = target;
    if (!ingress || peer === undefined || !peer.up || peer.namespace === target.namespace) {
      this.#drop(frame);
      return;
    }
    frame.device = peer;
    this.#network.immediately(frame, step.stack);
  }

  #start(frame: Frame, device: Device): void {
    for (const tap of device.taps) tap.see(frame);
    device.startTransmit(frame);
  }

  /** A VLAN's device takes what has its tag, then the bridge that the device is a port of, then the namespace. */
  #deliver(frame: Frame, device: Device): void {
    const vlan = frame.vlanProtocol === ETH_P_8021Q ? device.vlans.get(frame.vlanTci & VLAN_ID) : undefined;
    if (vlan !== undefined) {
      vlan.receive(frame);
      this.#network.receiveAtOnce(frame);
    } else if (device.bridge !== undefined) device.bridge.receive(frame, device);
    else device.namespace.stack.receive(frame, device);
  }

  #drop(frame: Frame): void {
    frame.device.counters.tcDropped++;
    this.#network.drop(frame);
  }

  #refuse(frame: Frame): void {
    frame.device.counters.rxDropped++;
    this.#network.drop(frame);
  }
}
