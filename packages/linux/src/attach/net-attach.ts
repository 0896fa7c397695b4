import { attribute, RouteSocket } from "../netlink/index.js";
import { addClsact, type FilteredDevice, type FilterPlace, putFilter, removeClsact, removeFilter } from "./clsact.js";
import { deviceIndex } from "./device.js";
import { programFilter } from "./tc.js";

const RTM_SETLINK = 19;
const IFLA_XDP = 43;
const IFLA_XDP_FD = 1;
const IFLA_XDP_FLAGS = 3;

/** Bits of what {@link setXdpProgram} takes as flags. */
export const xdpFlags = { onlyIfNone: 1, generic: 2, native: 4, offload: 8 } as const;

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
export interface ClsactFilter extends FilterPlace {
  readonly device: string | number;
}

/** Adds a direct-action filter, and the qdisc if it is missing; both stay. @throws SyscallError EEXIST */
export function addClsactFilter(filter: ClsactFilter, program: { fd: number; name: string }, replace: boolean): void {
  using socket = new RouteSocket();
  const device = deviceOf(filter.device);
  addClsact(socket, device);
  putFilter(socket, device, filter, programFilter(program.fd, program.name), replace);
}

/** Removes filters. @throws SyscallError ENOENT */
export function deleteClsactFilter(filter: ClsactFilter): void {
  using socket = new RouteSocket();
  removeFilter(socket, deviceOf(filter.device), filter);
}

/** Makes a device's clsact qdisc unless it is there. It stays. @throws SyscallError */
export function createClsact(device: string | number): void {
  using socket = new RouteSocket();
  addClsact(socket, deviceOf(device));
}

/** Removes a device's clsact qdisc with all its filters. @throws SyscallError ENOENT or EINVAL where there is none */
export function deleteClsact(device: string | number): void {
  using socket = new RouteSocket();
  removeClsact(socket, deviceOf(device));
}

function deviceOf(device: string | number): FilteredDevice {
  return { index: deviceIndex(device), name: device };
}
