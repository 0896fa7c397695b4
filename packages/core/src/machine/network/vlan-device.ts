import { EOPNOTSUPP, ETH_P_8021Q } from "../../abi/index.js";
import { Device } from "./device.js";
import type { Frame } from "./frame.js";
import type { Namespace } from "./namespace.js";
import { pushVlan } from "./vlan.js";

/** A VLAN of another device: frames with its tag come in here, without the tag, and what goes out gets it. */
export class VlanDevice extends Device {
  readonly kind = "vlan";
  readonly nativeXdp = false;
  readonly refusesXdp = -EOPNOTSUPP;
  readonly parent: Device;
  /** 0 to 4094. */
  readonly vlanId: number;

  /** @internal */
  constructor(namespace: Namespace, name: string, parent: Device, vlanId: number) {
    super(namespace, name, { mtu: parent.mtu, mac: parent.mac });
    this.parent = parent;
    this.vlanId = vlanId;
    parent.vlans.set(vlanId, this);
  }

  /** @internal Takes a frame with the tag from its parent. */
  receive(frame: Frame): void {
    frame.vlanProtocol = 0;
    frame.vlanTci = 0;
    frame.device = this;
  }

  startTransmit(frame: Frame): void {
    this.countSent(frame);
    const { memory } = this.network.programs.environment.runtime;
    // A tag that is there already goes into the frame.
    if (frame.vlanProtocol !== 0 && !pushVlan(frame, memory)) {
      this.counters.txDropped++;
      this.network.drop(frame);
      return;
    }
    frame.vlanProtocol = ETH_P_8021Q;
    frame.vlanTci = this.vlanId;
    frame.device = this.parent;
    frame.depth++;
    this.network.sendAtOnce(frame);
  }

  transmitXdp(): number {
    return -EOPNOTSUPP;
  }
}
