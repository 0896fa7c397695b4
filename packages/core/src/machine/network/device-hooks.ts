import {
  BPF_F_XDP_HAS_FRAGS,
  EBADF,
  EBUSY,
  EEXIST,
  EINVAL,
  ENODEV,
  ENOENT,
  EOPNOTSUPP,
  ERANGE,
} from "../../abi/index.js";
import type { ClsactOptions, Link, Program, XdpMode } from "../../host/index.js";
import { XDP_LINEAR_MAX } from "../../runtime/index.js";
import { failure } from "../failure.js";
import { LinkObject, type LinkOwner, MachineLink } from "../machine-link.js";
import { MachineProgram } from "../machine-program.js";
import { Device } from "./device.js";
import type { Network } from "./network.js";
import type { ClsactFilter, TcxEntry } from "./tc-hook.js";

/** Programs that one tc hook takes (BPF_MPROG_MAX). */
const MAX_PROGRAMS = 64;
const ETH_HLEN = 14;
const COMMAND = "BPF_LINK_CREATE";

/** A device by name or index in the current namespace, or itself. */
export type DeviceReference = Device | string | number;

/** Attaches programs to devices of a Machine. */
export class MachineDeviceHooks {
  readonly #network: Network;
  readonly #owner: LinkOwner;

  constructor(network: Network, owner: LinkOwner) {
    this.#network = network;
    this.#owner = owner;
  }

  attachXdp(
    program: Program,
    which: DeviceReference,
    options: { readonly mode?: XdpMode | undefined } = {},
  ): MachineLink {
    // An index that leads nowhere is EINVAL here, as in the kernel.
    const device = this.#device(which, EINVAL);
    if (options.mode === "offload" || ownedByCard(device, program))
      return this.#offload(device, program, "xdp", options.mode === "offload");
    const own = this.#program(program, COMMAND);
    if (own.type !== "xdp") throw failure(COMMAND, EINVAL, `program '${program.name}' is no XDP program`);
    if (own.attachType === "xdp_devmap" || own.attachType === "xdp_cpumap")
      throw failure(COMMAND, EINVAL, `program '${program.name}' runs behind a map's entry`);
    const mode = options.mode ?? (device.nativeXdp ? "native" : "generic");
    const { xdp } = device;
    if (xdp !== undefined && xdp.mode === mode) throw failure(COMMAND, EBUSY, `${device.name} has an XDP program`);
    if (xdp !== undefined) throw failure(COMMAND, EEXIST, "native and generic XDP can't be active at the same time");
    if (mode === "native") checkNative(device, own);
    const link = new MachineLink(new LinkObject("xdp", own, this.#owner));
    const attachment = { mode, link, program: own };
    device.xdp = attachment;
    link.attach({
      place: { device },
      replace: (next) => {
        if (mode === "native") checkNative(device, next);
        attachment.program = next;
      },
      detach: () => {
        device.xdp = undefined;
      },
    });
    return link;
  }

  attachTcx(
    program: Program,
    which: DeviceReference,
    direction: "ingress" | "egress",
    options: { readonly before?: Link | undefined; readonly after?: Link | undefined } = {},
  ): MachineLink {
    const device = this.#device(which, ENODEV);
    const own = this.#program(program, COMMAND);
    if (own.type !== "sched_cls") throw failure(COMMAND, EINVAL, `program '${program.name}' is no tc program`);
    const hook = device[direction];
    const place = placeOf(hook.tcx, options);
    if (hook.tcx.some((entry) => entry.program.id === own.id))
      throw failure(COMMAND, EEXIST, `program '${program.name}' is there already`);
    if (hook.tcx.length >= MAX_PROGRAMS) throw failure(COMMAND, ERANGE, `${device.name} has ${MAX_PROGRAMS} programs`);
    const link = new MachineLink(new LinkObject("tcx", own, this.#owner));
    let entry: TcxEntry = { link, program: own };
    hook.tcx = hook.tcx.toSpliced(place, 0, entry);
    link.attach({
      place: { device, direction },
      replace: (next) => {
        const replaced = { link, program: next };
        hook.tcx = hook.tcx.map((each) => (each === entry ? replaced : each));
        entry = replaced;
      },
      detach: () => {
        hook.tcx = hook.tcx.filter((each) => each !== entry);
      },
    });
    return link;
  }

  attachClsact(
    program: Program,
    which: DeviceReference,
    direction: "ingress" | "egress",
    options: ClsactOptions & { readonly directAction?: boolean | undefined } = {},
  ): MachineLink {
    const command = "RTM_NEWTFILTER";
    const device = this.#device(which, ENODEV);
    if (ownedByCard(device, program)) {
      if (direction === "egress") throw failure(command, EOPNOTSUPP, `${device.name} offloads what comes in only`);
      return this.#offload(device, program, "ingress", true);
    }
    const own = this.#program(program, command);
    if (own.type !== "sched_cls") throw failure(command, EINVAL, `program '${program.name}' is no tc program`);
    const { priority = 1, handle = 1, directAction = true } = options;
    const hook = device[direction];
    if (hook.filters.some((filter) => filter.priority === priority && filter.handle === handle))
      throw failure(command, EEXIST, `there is a filter ${handle} of priority ${priority}`);
    const link = new MachineLink(new LinkObject("tc", own, this.#owner));
    const filter: ClsactFilter = { priority, handle, directAction, program: own };
    // Of one priority, the newest is asked first.
    const place = hook.filters.findIndex((each) => each.priority >= priority);
    hook.filters = hook.filters.toSpliced(place < 0 ? hook.filters.length : place, 0, filter);
    link.attach({
      place: { device, direction },
      replace: (next) => {
        filter.program = next;
      },
      detach: () => {
        hook.filters = hook.filters.filter((each) => each !== filter);
      },
    });
    return link;
  }

  /** A program on the device's own processor, where it was loaded. */
  #offload(device: Device, program: Program, hook: "xdp" | "ingress", asked: boolean): MachineLink {
    const { offload } = device;
    if (offload === undefined) throw failure(COMMAND, EINVAL, `${device.name} has no processor to offload to`);
    if (!(program instanceof MachineProgram) || !offload.owns(program))
      throw failure(COMMAND, EINVAL, `program '${program.name}' was not loaded onto ${device.name}`);
    if (!asked)
      throw failure(COMMAND, EINVAL, `program '${program.name}' is on the card: attach it with mode "offload"`);
    if (program.type !== (hook === "xdp" ? "xdp" : "sched_cls"))
      throw failure(COMMAND, EINVAL, `program '${program.name}' is of type ${program.type}`);
    if (offload.taken(hook)) throw failure(COMMAND, EBUSY, `${device.name} has an offloaded program`);
    const owner: LinkOwner = {
      owns: (each) => offload.owns(each),
      linked: (link) => this.#owner.linked(link),
      unlinked: (link) => this.#owner.unlinked(link),
    };
    const link = new MachineLink(new LinkObject(hook === "xdp" ? "xdp" : "tc", program, owner));
    offload.put(hook, program);
    link.attach({
      place: { device, direction: "ingress" },
      replace: (next) => offload.put(hook, next),
      detach: () => offload.put(hook, undefined),
    });
    return link;
  }

  #device(which: DeviceReference, missing: number): Device {
    if (which instanceof Device) return which;
    if (typeof which === "string") return this.#network.current.device(which);
    const device = this.#network.current.findDevice(which);
    if (device === undefined) throw failure(COMMAND, missing, `there is no network device ${which} here`);
    return device;
  }

  #program(program: Program, command: string): MachineProgram {
    if (!(program instanceof MachineProgram) || !this.#owner.owns(program))
      throw failure(command, EBADF, `program '${program.name}' is of another host`);
    program.assertOpen(command);
    return program;
  }
}

function ownedByCard({ offload }: Device, program: Program): boolean {
  return program instanceof MachineProgram && offload?.owns(program) === true;
}

/** The driver's own conditions. @throws SyscallError ERANGE where frames can be larger than a page has room for. */
function checkNative(device: Device, program: MachineProgram): void {
  if (!device.nativeXdp) throw failure(COMMAND, EOPNOTSUPP, `${device.name} has no native XDP`);
  const mtu = (device.peer ?? device).mtu;
  if (mtu + ETH_HLEN > XDP_LINEAR_MAX && (program.spec.flags & BPF_F_XDP_HAS_FRAGS) === 0)
    throw failure(COMMAND, ERANGE, `an MTU of ${mtu} needs a program that takes fragments`);
}

/** Where a new entry goes: last, unless beside another. @throws SyscallError ENOENT for one that isn't at this hook. */
function placeOf(
  entries: readonly TcxEntry[],
  { before, after }: { readonly before?: Link | undefined; readonly after?: Link | undefined },
): number {
  const anchor = before ?? after;
  if (anchor === undefined) return entries.length;
  const place = entries.findIndex(({ link }) => anchor instanceof MachineLink && link.isSame(anchor));
  if (place < 0) throw failure(COMMAND, ENOENT, "the other link is not at this hook");
  return before === undefined ? place + 1 : place;
}
