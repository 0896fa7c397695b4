import type { AttachType } from "@tsbpf/core/abi";
import type { Program, XdpMode } from "@tsbpf/core/host";
import { CaptureDevice, type Device, type Machine, type MachineLink } from "@tsbpf/core/machine";
import { CommandError } from "../command-error.js";
import type { Place } from "./live-host.js";

const BPF_F_BEFORE = 8;

/** What commands have attached to a Machine, until another command detaches it. */
export class MachineAttachments {
  readonly #machine: Machine;
  readonly #links = new Set<MachineLink>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Keeps a link that nobody else holds. */
  keep(link: MachineLink): void {
    this.#links.add(link);
  }

  /** A device by `NAME` in the first namespace, or `NAMESPACE/NAME`. @throws CommandError */
  device(name: string): Device {
    const slash = name.indexOf("/");
    const [space, device] = slash < 0 ? [undefined, name] : [name.slice(0, slash), name.slice(slash + 1)];
    const { namespaces, initial } = this.#machine.network;
    const namespace = space === undefined ? initial : namespaces.find((each) => each.name === space);
    const found = namespace?.devices.find((each) => each.name === device);
    if (found !== undefined) return found;
    throw new CommandError(
      namespace === undefined ? `the Machine has no namespace '${space}'` : `the Machine has no device '${name}'`,
      {
        hint: `its devices: ${this.devices()
          .map(([each]) => each)
          .join(", ")}`,
      },
    );
  }

  /** As {@link device}, one whose wire is in the caller's hands. */
  captureDevice(name: string): CaptureDevice {
    const device = this.device(name);
    if (device instanceof CaptureDevice) return device;
    throw new CommandError(`${name} is no capture device: nothing can be replayed on it`);
  }

  /** All devices, by the names that {@link device} takes. */
  devices(): [name: string, device: Device][] {
    const { namespaces, initial } = this.#machine.network;
    return namespaces.flatMap((namespace) =>
      namespace.devices.map((device): [string, Device] => [
        namespace === initial ? device.name : `${namespace.name}/${device.name}`,
        device,
      ]),
    );
  }

  attach(program: Program, type: AttachType, place: Place, flags: number): void {
    if (!("device" in place) || (type !== "tcx_ingress" && type !== "tcx_egress")) {
      throw new CommandError(`the Machine that is up cannot attach ${type} programs from the command line yet`);
    }
    const device = this.device(place.device);
    const direction = type === "tcx_ingress" ? "ingress" : "egress";
    const [first] = device[direction].tcx;
    const before = (flags & BPF_F_BEFORE) !== 0 && first !== undefined ? { before: first.link } : {};
    this.keep(this.#machine.attachTcx(program, device, direction, before));
  }

  detach(programId: number | undefined, type: AttachType, place: Place): void {
    const device = "device" in place ? this.device(place.device) : undefined;
    const direction = type === "tcx_ingress" ? "ingress" : "egress";
    const link = [...this.#links].find(
      (each) =>
        each.kind === "tcx" &&
        each.place?.device === device &&
        each.place?.direction === direction &&
        (programId === undefined || each.program.id === programId),
    );
    if (link === undefined) throw new CommandError(`no program of ours is attached there (${type})`);
    this.#close(link);
  }

  /** `net attach xdp`: one program a device. @throws SyscallError EBUSY without `overwrite` where there is one. */
  setXdp(program: Program, name: string, mode: XdpMode | undefined, overwrite: boolean): void {
    const device = this.device(name);
    const before = this.#xdpOf(device);
    if (before !== undefined && overwrite) {
      before.update(program);
      return;
    }
    this.keep(this.#machine.attachXdp(program, device, { mode }));
  }

  /** `net detach xdp` */
  clearXdp(name: string): void {
    const link = this.#xdpOf(this.device(name));
    if (link === undefined) throw new CommandError(`no XDP program of ours is on ${name}`);
    this.#close(link);
  }

  #xdpOf(device: Device): MachineLink | undefined {
    return [...this.#links].find((each) => each.kind === "xdp" && each.place?.device === device);
  }

  #close(link: MachineLink): void {
    this.#links.delete(link);
    link.close();
  }
}
