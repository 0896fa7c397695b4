import { clsactParents, trafficHeader } from "../attach/clsact.js";
import { type NetlinkMessage, NLM_F, parseAttributes, RouteSocket } from "../netlink/index.js";
import { BpfCall, errnos, NativeBuffer, openReadOnly, syscallError, textOf } from "../sys/index.js";

const RTM_GETLINK = 18;
const RTM_GETQDISC = 38;
const RTM_GETTCLASS = 42;
const RTM_GETTFILTER = 46;
const IFLA_IFNAME = 3;
const IFLA_XDP = 43;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_BPF_NAME = 7;
const TCA_BPF_FLAGS = 8;
const TCA_BPF_FLAGS_GEN = 9;
const TCA_BPF_ID = 11;
const TCA_CLS_FLAGS_IN_HW = 4;
const TC_H_ROOT = 0xffff_ffff;
const FLOW_DISSECTOR = 17;

/** An XDP program on a device. */
export interface XdpOnDevice {
  readonly mode: "driver" | "generic" | "offload";
  readonly programId: number;
}

/** A network device of the calling thread's network namespace, with its XDP programs. */
export interface NetworkDevice {
  readonly index: number;
  readonly name: string;
  readonly xdp: readonly XdpOnDevice[];
}

/** A bpf filter of traffic control. */
export interface TrafficFilter {
  /** The queueing discipline that it is on, with a direction for clsact: `"htb"`, `"clsact/ingress"`. */
  readonly kind: string;
  readonly name: string;
  readonly programId: number;
  readonly handle: number;
  readonly priority: number;
  readonly directAction: boolean;
  /** Ethernet protocol that it sees, in host order: 3 (ETH_P_ALL) for all. */
  readonly protocol: number;
  /** Is it the device that runs it? */
  readonly inHardware: boolean;
}

/** All devices, by index. @throws SyscallError */
export function networkDevices(): NetworkDevice[] {
  using socket = new RouteSocket();
  const answers = socket.request(RTM_GETLINK, NLM_F.dump, [new Uint8Array(16)], "RTM_GETLINK");
  return answers.map((answer) => {
    const attributes = parseAttributes(answer.body, 16);
    const name = attributes.get(IFLA_IFNAME);
    const xdp = attributes.get(IFLA_XDP);
    return {
      index: viewOf(answer.body).getInt32(4, true),
      name: name === undefined ? "" : textOf(name),
      xdp: xdp === undefined ? [] : xdpPrograms(xdp),
    };
  });
}

/** Modes of IFLA_XDP_ATTACHED, and the attributes with each mode's own program. */
const xdpModes = [
  { attached: 1, own: 5, mode: "driver" },
  { attached: 2, own: 6, mode: "generic" },
  { attached: 3, own: 7, mode: "offload" },
] as const;
const XDP_ATTACHED_MULTI = 4;

function xdpPrograms(bytes: Uint8Array): XdpOnDevice[] {
  const attributes = parseAttributes(bytes);
  const attached = attributes.get(2)?.[0] ?? 0;
  const id = (type: number) => {
    const value = attributes.get(type);
    return value === undefined ? 0 : viewOf(value).getUint32(0, true);
  };
  if (attached === XDP_ATTACHED_MULTI) {
    return xdpModes.flatMap(({ own, mode }) => (id(own) === 0 ? [] : [{ mode, programId: id(own) }]));
  }
  const mode = xdpModes.find((each) => each.attached === attached)?.mode;
  return mode === undefined ? [] : [{ mode, programId: id(4) }];
}

/**
 * The bpf filters on a device: those of classes, of queueing disciplines, of the root, and of clsact, in this order.
 *
 * @throws SyscallError
 */
export function trafficFilters(device: number): TrafficFilter[] {
  using socket = new RouteSocket();
  const header = trafficHeader(device, 0, 0, 0);
  // The kernel dumps the classes of one device, but the qdiscs of all.
  const ofDevice = (answers: NetlinkMessage[]) =>
    answers.filter(({ body }) => viewOf(body).getInt32(4, true) === device).map(handleOf);
  const classes = ofDevice(socket.request(RTM_GETTCLASS, NLM_F.dump, [header], "RTM_GETTCLASS"));
  const qdiscs = ofDevice(socket.request(RTM_GETQDISC, NLM_F.dump, [header], "RTM_GETQDISC"));
  const places: { parent: number; kind: string }[] = classes.map(({ handle, kind }) => ({ parent: handle, kind }));
  for (const { handle, kind } of qdiscs) if (kind !== "clsact") places.push({ parent: handle, kind });
  places.push({ parent: TC_H_ROOT, kind: "root" });
  places.push({ parent: clsactParents.ingress, kind: "clsact/ingress" });
  places.push({ parent: clsactParents.egress, kind: "clsact/egress" });
  return places.flatMap(({ parent, kind }) => filtersAt(socket, device, parent, kind));
}

function handleOf({ body }: NetlinkMessage): { handle: number; kind: string } {
  const kind = parseAttributes(body, 20).get(TCA_KIND);
  return { handle: viewOf(body).getUint32(8, true), kind: kind === undefined ? "" : textOf(kind) };
}

function filtersAt(socket: RouteSocket, device: number, parent: number, kind: string): TrafficFilter[] {
  const answers = dumpFilters(socket, trafficHeader(device, 0, parent, 0));
  return answers.flatMap(({ body }) => {
    const attributes = parseAttributes(body, 20);
    const filterKind = attributes.get(TCA_KIND);
    const options = attributes.get(TCA_OPTIONS);
    if (filterKind === undefined || textOf(filterKind) !== "bpf" || options === undefined) return [];
    const own = parseAttributes(options);
    const [id, name, flags] = [own.get(TCA_BPF_ID), own.get(TCA_BPF_NAME), own.get(TCA_BPF_FLAGS)];
    // Each priority has a message without a filter of its own before its filters.
    if (id === undefined) return [];
    const view = viewOf(body);
    return {
      kind,
      name: name === undefined ? "" : textOf(name),
      programId: viewOf(id).getUint32(0, true),
      handle: view.getUint32(8, true),
      priority: view.getUint32(16, true) >>> 16,
      directAction: flags !== undefined && (flags[0]! & 1) !== 0,
      protocol: view.getUint16(16),
      inHardware: ((own.get(TCA_BPF_FLAGS_GEN)?.[0] ?? 0) & TCA_CLS_FLAGS_IN_HW) !== 0,
    };
  });
}

/** No such place, or a discipline without classes, has no filters. */
function dumpFilters(socket: RouteSocket, header: Uint8Array): NetlinkMessage[] {
  try {
    return socket.request(RTM_GETTFILTER, NLM_F.dump, [header], "RTM_GETTFILTER");
  } catch (error) {
    const { errno } = error as { errno?: number };
    if (errno === errnos.EINVAL || errno === errnos.ENOENT || errno === errnos.EOPNOTSUPP) return [];
    throw error;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Programs that dissect flows in the calling thread's network namespace. @throws SyscallError */
export function flowDissectors(): number[] {
  using namespace = openReadOnly("/proc/thread-self/ns/net");
  const ids = new NativeBuffer(4 * 16);
  const attr = { target_fd: namespace.number, attach_type: FLOW_DISSECTOR, prog_ids: ids.address, prog_cnt: 16 };
  const call = new BpfCall("BPF_PROG_QUERY", attr);
  const result = call.try();
  if (result === -errnos.EINVAL) return [];
  if (result < 0) throw syscallError("BPF_PROG_QUERY of flow dissectors", -result);
  return Array.from({ length: call.get("prog_cnt") }, (_, i) => ids.view.getUint32(i * 4, true));
}
