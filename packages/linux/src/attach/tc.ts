import { attachTypeId } from "@tsbpf/core";
import type { Link, Program } from "@tsbpf/core/host";
import { attribute, NLM_F, RouteSocket } from "../netlink/index.js";
import { errnos, fdOf } from "../sys/index.js";
import { deviceIndex } from "./device.js";
import { Attachment, BpfLink, createLink, type KernelLink } from "./link.js";

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

const RTM_NEWQDISC = 36;
const RTM_NEWTFILTER = 44;
const RTM_DELTFILTER = 45;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_BPF_FD = 6;
const TCA_BPF_NAME = 7;
const TCA_BPF_FLAGS = 8;
const TCA_BPF_FLAG_ACT_DIRECT = 1;
const TC_H_CLSACT = 0xffff_fff1;
const parents = { ingress: 0xffff_fff2, egress: 0xffff_fff3 } as const;
const CLSACT_HANDLE = 0xffff_0000;
const ETH_P_ALL_BIG_ENDIAN = 0x0300;

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
  const socket = new RouteSocket();
  const index = deviceIndex(device);
  const filter = { index, parent: parents[direction], priority: options.priority ?? 1, handle: options.handle ?? 1 };
  const put = (next: Program, flags: number) =>
    socket.request(
      RTM_NEWTFILTER,
      flags,
      [filterHeader(filter), ...filterOptions(next)],
      `RTM_NEWTFILTER on ${device}`,
    );
  try {
    addClsact(socket, index, device);
    put(program, NLM_F.create | NLM_F.exclusive);
  } catch (error) {
    socket.close();
    throw error;
  }
  return new Attachment(
    "tc",
    program,
    {
      replace: (next) => void put(next, NLM_F.create | NLM_F.replace),
      detach: () => {
        try {
          const body = [filterHeader(filter), attribute(TCA_KIND, "bpf")];
          socket.request(RTM_DELTFILTER, 0, body, `RTM_DELTFILTER on ${device}`);
        } finally {
          socket.close();
        }
      },
    },
    { outlives: true },
  );
}

/** struct tcmsg */
function header(index: number, handle: number, parent: number, info: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, handle, true);
  view.setUint32(12, parent, true);
  view.setUint32(16, info, true);
  return bytes;
}

function filterHeader(filter: { index: number; parent: number; priority: number; handle: number }): Uint8Array {
  return header(filter.index, filter.handle, filter.parent, filter.priority * 0x1_0000 + ETH_P_ALL_BIG_ENDIAN);
}

function filterOptions(program: Program): Uint8Array[] {
  const options = [
    attribute(TCA_BPF_FD, fdOf(program)),
    attribute(TCA_BPF_NAME, program.name),
    attribute(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT),
  ];
  return [attribute(TCA_KIND, "bpf"), attribute(TCA_OPTIONS, options)];
}

function addClsact(socket: RouteSocket, index: number, device: string | number): void {
  try {
    const body = [header(index, CLSACT_HANDLE, TC_H_CLSACT, 0), attribute(TCA_KIND, "clsact")];
    socket.request(RTM_NEWQDISC, NLM_F.create | NLM_F.exclusive, body, `RTM_NEWQDISC on ${device}`);
  } catch (error) {
    if ((error as { errno?: number }).errno !== errnos.EEXIST) throw error;
  }
}
