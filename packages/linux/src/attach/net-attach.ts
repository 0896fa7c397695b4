import { attribute, NLM_F, RouteSocket } from "../netlink/index.js";
import { errnos } from "../sys/index.js";
import { deviceIndex } from "./device.js";

const RTM_SETLINK = 19;
const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_NEWTFILTER = 44;
const RTM_DELTFILTER = 45;
const IFLA_XDP = 43;
const IFLA_XDP_FD = 1;
const IFLA_XDP_FLAGS = 3;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_BPF_FD = 6;
const TCA_BPF_NAME = 7;
const TCA_BPF_FLAGS = 8;
const TCA_BPF_FLAG_ACT_DIRECT = 1;
const TC_H_CLSACT = 0xffff_fff1;
const CLSACT_HANDLE = 0xffff_0000;
const ETH_P_ALL_BIG_ENDIAN = 0x0300;

/** Bits of what {@link setXdpProgram} takes as flags. */
export const xdpFlags = { onlyIfNone: 1, generic: 2, native: 4, offload: 8 } as const;

/** tc's `parent` of filters of a clsact qdisc. */
export const clsactParents = { ingress: 0xffff_fff2, egress: 0xffff_fff3 } as const;

/**
 * Puts an XDP program on a device by netlink, to stay; fd -1 takes it away.
 *
 * @throws SyscallError EBUSY or EEXIST where another is there
 */
export function setXdpProgram(device: string | number, fd: number, flags: number): void {
  using socket = new RouteSocket();
  const header = new Uint8Array(16);
  new DataView(header.buffer).setInt32(4, deviceIndex(device), true);
  const xdp = [attribute(IFLA_XDP_FD, fd), attribute(IFLA_XDP_FLAGS, flags)];
  socket.request(RTM_SETLINK, 0, [header, attribute(IFLA_XDP, xdp)], `RTM_SETLINK of ${device} (XDP)`);
}

/** A bpf filter of a clsact qdisc. */
export interface ClsactFilter {
  readonly device: string | number;
  readonly direction: keyof typeof clsactParents;
  /** Filters run in the order of their priorities; 0 lets the kernel choose (or, removing, takes all). */
  readonly priority: number;
  /** Among those of one priority; 0 lets the kernel choose (or, removing, takes all). */
  readonly handle: number;
}

/** Adds a direct-action filter, and the qdisc if it is missing; both stay. @throws SyscallError EEXIST */
export function addClsactFilter(filter: ClsactFilter, program: { fd: number; name: string }, replace: boolean): void {
  using socket = new RouteSocket();
  const index = deviceIndex(filter.device);
  addQdisc(socket, index, filter.device);
  const options = [
    attribute(TCA_BPF_FD, program.fd),
    attribute(TCA_BPF_NAME, program.name),
    attribute(TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT),
  ];
  const body = [filterHeader(index, filter), attribute(TCA_KIND, "bpf"), attribute(TCA_OPTIONS, options)];
  const flags = NLM_F.create | (replace ? NLM_F.replace : NLM_F.exclusive);
  socket.request(RTM_NEWTFILTER, flags, body, `RTM_NEWTFILTER on ${filter.device}`);
}

/** Removes filters. @throws SyscallError ENOENT */
export function deleteClsactFilter(filter: ClsactFilter): void {
  using socket = new RouteSocket();
  const header = filterHeader(deviceIndex(filter.device), filter);
  const kind = filter.priority === 0 ? [] : [attribute(TCA_KIND, "bpf")];
  socket.request(RTM_DELTFILTER, 0, [header, ...kind], `RTM_DELTFILTER on ${filter.device}`);
}

/** Removes a device's clsact qdisc with all its filters. @throws SyscallError ENOENT or EINVAL where there is none */
export function deleteClsact(device: string | number): void {
  using socket = new RouteSocket();
  const header = trafficHeader(deviceIndex(device), CLSACT_HANDLE, TC_H_CLSACT, 0);
  socket.request(RTM_DELQDISC, 0, [header, attribute(TCA_KIND, "clsact")], `RTM_DELQDISC on ${device}`);
}

function addQdisc(socket: RouteSocket, index: number, device: string | number): void {
  try {
    const body = [trafficHeader(index, CLSACT_HANDLE, TC_H_CLSACT, 0), attribute(TCA_KIND, "clsact")];
    socket.request(RTM_NEWQDISC, NLM_F.create | NLM_F.exclusive, body, `RTM_NEWQDISC on ${device}`);
  } catch (error) {
    if ((error as { errno?: number }).errno !== errnos.EEXIST) throw error;
  }
}

function filterHeader(index: number, { direction, priority, handle }: ClsactFilter): Uint8Array {
  return trafficHeader(index, handle, clsactParents[direction], priority * 0x1_0000 + ETH_P_ALL_BIG_ENDIAN);
}

/** struct tcmsg */
export function trafficHeader(index: number, handle: number, parent: number, info: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, handle, true);
  view.setUint32(12, parent, true);
  view.setUint32(16, info, true);
  return bytes;
}
