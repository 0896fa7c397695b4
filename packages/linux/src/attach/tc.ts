import { attachTypeId } from "@tsbpf/core/abi";
import type { Link, Program } from "@tsbpf/core/host";
import { attribute, RouteSocket } from "../netlink/index.js";
import { fdOf } from "../sys/index.js";
import { requireDeviceType, requireType } from "./attach-type.js";
import { addClsact, type FilterPlace, putFilter, removeFilter } from "./clsact.js";
import { deviceIndex } from "./device.js";
import { Attachment, BpfLink, createLink, type KernelLink } from "./link.js";

/** Which packets of a device. */
export type Direction = "ingress" | "egress";

const BPF_F_BEFORE = 1 << 3;
const BPF_F_AFTER = 1 << 4;
const BPF_F_LINK = 1 << 13;

/** Where a tcx program stands among the others of its hook; last unless told. */
export interface TcxOptions {
  readonly before?: Link | undefined;
  readonly after?: Link | undefined;
}

/** Attaches a tc program by a tcx link. Since 6.6. @throws SyscallError */
export function attachTcx(
  program: Program,
  device: string | number,
  direction: Direction,
  options: TcxOptions = {},
): KernelLink {
  requireDeviceType(program, "tcx", "sched_cls");
  const anchor = options.before ?? options.after;
  const place = options.before !== undefined ? BPF_F_BEFORE : BPF_F_AFTER;
  const relative = anchor instanceof BpfLink ? { flags: place | BPF_F_LINK, "tcx.relative_fd": anchor.fd } : {};
  const type = attachTypeId(direction === "ingress" ? "tcx_ingress" : "tcx_egress");
  return createLink(
    "tcx",
    program,
    { target_ifindex: deviceIndex(device), attach_type: type, ...relative },
    `on ${device}`,
  );
}

const TCA_BPF_ACT = 1;
const TCA_BPF_OPS_LEN = 4;
const TCA_BPF_OPS = 5;
const TCA_BPF_FD = 6;
const TCA_BPF_NAME = 7;
const TCA_BPF_FLAGS = 8;
const TCA_BPF_FLAG_ACT_DIRECT = 1;
const TCA_ACT_KIND = 1;
const TCA_ACT_OPTIONS = 2;
const TCA_ACT_BPF_PARMS = 2;
const TCA_ACT_BPF_FD = 5;
const TCA_ACT_BPF_NAME = 6;
const TC_ACT_PIPE = 3;

/** Choices for a filter of clsact. */
export interface ClsactOptions {
  /** Filters run in the order of their priorities; 1 is first. Default 1. */
  readonly priority?: number | undefined;
  /** Identifies the filter among those of its priority. Default 1. */
  readonly handle?: number | undefined;
}

/**
 * Attaches a tc program by a filter on the device's clsact qdisc, which is made if it is missing and stays. The filter
 * outlives this process when it is killed. For kernels before 6.6, or to stand among other filters.
 */
export function attachClsact(
  program: Program,
  device: string | number,
  direction: Direction,
  options: ClsactOptions = {},
): Attachment {
  requireDeviceType(program, "clsact", "sched_cls");
  return attachFilter("tc", program, device, { priority: 1, handle: 1, ...defined(options), direction }, directAction);
}

/**
 * Attaches an action of tc (type `sched_act`, since 4.1) to a clsact filter that takes every packet. As with
 * {@link attachClsact}, the filter outlives this process when it is killed.
 *
 * @throws SyscallError ENOENT for a kernel without CONFIG_NET_ACT_BPF
 */
export function attachAction(
  program: Program,
  device: string | number,
  direction: Direction,
  options: ClsactOptions = {},
): Attachment {
  requireType(program, "an action of tc", "sched_act");
  const place = { priority: 1, handle: 1, ...defined(options), direction };
  return attachFilter("tc_action", program, device, place, everyPacket);
}

function attachFilter(
  kind: string,
  program: Program,
  deviceName: string | number,
  place: FilterPlace,
  optionsOf: (program: Program) => readonly Uint8Array[],
): Attachment {
  const device = { index: deviceIndex(deviceName), name: deviceName };
  // The socket belongs to the device's namespace, wherever the thread is when the attachment is changed or closed.
  const socket = new RouteSocket();
  try {
    addClsact(socket, device);
    putFilter(socket, device, place, optionsOf(program), false);
  } catch (error) {
    socket.close();
    throw error;
  }
  return new Attachment(
    kind,
    program,
    {
      replace: (next) => void putFilter(socket, device, place, optionsOf(next), true),
      detach: () => {
        try {
          removeFilter(socket, device, place);
        } finally {
          socket.close();
        }
      },
    },
    { outlives: true },
  );
}

function defined({ priority, handle }: ClsactOptions): { priority?: number; handle?: number } {
  return { ...(priority !== undefined && { priority }), ...(handle !== undefined && { handle }) };
}

/** A filter whose program says itself what becomes of the packet. */
function directAction(program: Program): Uint8Array[] {
  return programFilter(fdOf(program), program.name);
}

/** Attributes of a filter that is a program. */
export function programFilter(fd: number, name: string): Uint8Array[] {
  return [attribute(TCA_BPF_FD, fd), attribute(TCA_BPF_NAME, name), attribute(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT)];
}

/** A classic filter, `ret #-1`, that gives each packet to the program as an action. */
function everyPacket(program: Program): Uint8Array[] {
  // struct tc_gen: where the program returns TC_ACT_UNSPEC, the next action has the packet.
  const parameters = new Uint8Array(20);
  new DataView(parameters.buffer).setUint32(8, TC_ACT_PIPE, true);
  const action = [
    attribute(TCA_ACT_KIND, "bpf"),
    attribute(TCA_ACT_OPTIONS, [
      attribute(TCA_ACT_BPF_PARMS, parameters),
      attribute(TCA_ACT_BPF_FD, fdOf(program)),
      attribute(TCA_ACT_BPF_NAME, program.name),
    ]),
  ];
  return [
    attribute(TCA_BPF_ACT, [attribute(1, action)]),
    attribute(TCA_BPF_OPS_LEN, Uint8Array.of(1, 0)),
    attribute(TCA_BPF_OPS, Uint8Array.of(6, 0, 0, 0, 0xff, 0xff, 0xff, 0xff)),
  ];
}
