import { attribute, NLM_F, type RouteSocket } from "../netlink/index.js";
import { errnos } from "../sys/index.js";

const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_NEWTFILTER = 44;
const RTM_DELTFILTER = 45;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TC_H_CLSACT = 0xffff_fff1;
const CLSACT_HANDLE = 0xffff_0000;
const ETH_P_ALL_BIG_ENDIAN = 0x0300;

/** tc's `parent` of filters of a clsact qdisc. */
export const clsactParents = { ingress: 0xffff_fff2, egress: 0xffff_fff3 } as const;

/** Where a filter stands. */
export interface FilterPlace {
  readonly direction: keyof typeof clsactParents;
  /** Filters run in the order of their priorities; 0 lets the kernel choose (or, removing, takes all). */
  readonly priority: number;
  /** Among those of one priority; 0 lets the kernel choose (or, removing, takes all). */
  readonly handle: number;
}

/** A device as requests name it: by index, and in errors as the caller did. */
export interface FilteredDevice {
  readonly index: number;
  readonly name: string | number;
}

/** Makes a device's clsact qdisc unless it is there. It stays. */
export function addClsact(socket: RouteSocket, { index, name }: FilteredDevice): void {
  try {
    const body = [trafficHeader(index, CLSACT_HANDLE, TC_H_CLSACT, 0), attribute(TCA_KIND, "clsact")];
    socket.request(RTM_NEWQDISC, NLM_F.create | NLM_F.exclusive, body, `RTM_NEWQDISC on ${name}`);
  } catch (error) {
    if ((error as { errno?: number }).errno !== errnos.EEXIST) throw error;
  }
}

/** Removes a device's clsact qdisc with all its filters. @throws SyscallError ENOENT or EINVAL where there is none */
export function removeClsact(socket: RouteSocket, { index, name }: FilteredDevice): void {
  const header = trafficHeader(index, CLSACT_HANDLE, TC_H_CLSACT, 0);
  socket.request(RTM_DELQDISC, 0, [header, attribute(TCA_KIND, "clsact")], `RTM_DELQDISC on ${name}`);
}

/**
 * Puts a filter of kind `bpf` into the qdisc.
 *
 * @param options Attributes of the filter.
 * @throws SyscallError EEXIST where one stands there and `replace` is false
 */
export function putFilter(
  socket: RouteSocket,
  device: FilteredDevice,
  place: FilterPlace,
  options: readonly Uint8Array[],
  replace: boolean,
): void {
  const body = [filterHeader(device.index, place), attribute(TCA_KIND, "bpf"), attribute(TCA_OPTIONS, options)];
  const flags = NLM_F.create | (replace ? NLM_F.replace : NLM_F.exclusive);
  socket.request(RTM_NEWTFILTER, flags, body, `RTM_NEWTFILTER on ${device.name}`);
}

/** Removes filters. @throws SyscallError ENOENT */
export function removeFilter(socket: RouteSocket, device: FilteredDevice, place: FilterPlace): void {
  // All at once means all protocols and kinds, too.
  const all = trafficHeader(device.index, 0, clsactParents[place.direction], 0);
  const body = place.priority === 0 ? [all] : [filterHeader(device.index, place), attribute(TCA_KIND, "bpf")];
  socket.request(RTM_DELTFILTER, 0, body, `RTM_DELTFILTER on ${device.name}`);
}

function filterHeader(index: number, { direction, priority, handle }: FilterPlace): Uint8Array {
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
