import { networkInterfaceName } from "../netlink/index.js";
import { NativeBuffer, objectInfo, setU64, textOf } from "../sys/index.js";
import { LINK_INFO_SIZE } from "../sys/object-info.js";
import { type LinkInfo, linkInfo } from "./link-info.js";

/** Which of its kinds a perf_event link is (`enum bpf_perf_event_type`), and what it watches. */
export interface PerfEventLink {
  readonly kind: "unspec" | "uprobe" | "uretprobe" | "kprobe" | "kretprobe" | "tracepoint" | "event" | number;
  /** File of a uprobe, function of a kprobe, name of a tracepoint; empty where the kernel does not say. */
  readonly name: string;
  /** Bytes into the file or function. */
  readonly offset: number;
  readonly cookie: bigint;
  /** Of a kprobe: address of the function, 0 where it is hidden, and runs that were missed. */
  readonly address: bigint;
  readonly missed: bigint;
  /** Of an event: perf's type and config. */
  readonly type: number;
  readonly config: bigint;
}

/** All that the kernel says about a link: {@link LinkInfo} and what needs buffers of its own. */
export interface LinkDetails extends LinkInfo {
  readonly typeNumber: number;
  /** Number of the attach type, for types that {@link LinkInfo.attachType} has no name for. */
  readonly attachTypeNumber: number | undefined;
  /** Of the device of an XDP or tcx link, in this network namespace; undefined where it has none (any more). */
  readonly deviceName?: string | undefined;
  /** Tracepoint of a raw_tracepoint link. */
  readonly tracepoint?: string | undefined;
  readonly iterator?: IteratorTarget | undefined;
  readonly perfEvent?: PerfEventLink | undefined;
  readonly netfilterFlags?: number | undefined;
  readonly uprobes?: UprobesLink | undefined;
  readonly kprobes?: KprobesLink | undefined;
}

/** What an iterator goes over: `"task"`, `"bpf_map_elem"` ..., and the limits that it was given. */
export interface IteratorTarget {
  readonly name: string;
  readonly mapId: number;
  readonly cgroupId: bigint;
  readonly order: number;
  readonly tid: number;
  readonly pid: number;
}

/** Functions of one file. */
export interface UprobesLink {
  readonly path: string;
  readonly offsets: readonly bigint[];
  readonly cookies: readonly bigint[];
  readonly semaphores: readonly bigint[];
  readonly flags: number;
  readonly pid: number;
}

/** Functions of the kernel; their addresses are 0 where they are hidden. */
export interface KprobesLink {
  readonly addresses: readonly bigint[];
  readonly cookies: readonly bigint[];
  readonly flags: number;
  readonly missed: bigint;
}

type Extra = Partial<Omit<LinkDetails, keyof LinkInfo>>;

const NAME_SIZE = 4096;
const u32 = (view: DataView, offset: number) => view.getUint32(offset, true);
const u64 = (view: DataView, offset: number) => view.getBigUint64(offset, true);

/** @throws SyscallError EBADF or EINVAL when `fd` is no link. */
export function linkDetails(fd: number): LinkDetails {
  const info = linkInfo(fd);
  const { view } = objectInfo(fd, LINK_INFO_SIZE);
  const attachTypeAt = attachTypeOffsets[String(info.type)];
  return {
    ...info,
    typeNumber: u32(view, 0),
    attachTypeNumber: attachTypeAt === undefined ? undefined : u32(view, attachTypeAt),
    ...(info.interfaceIndex && { deviceName: networkInterfaceName(info.interfaceIndex) }),
    ...readers[String(info.type)]?.(fd, view),
  };
}

const attachTypeOffsets: Readonly<Record<string, number>> = {
  tracing: 16,
  cgroup: 24,
  netns: 20,
  tcx: 20,
  netkit: 20,
  sockmap: 20,
};

const readers: Readonly<Record<string, (fd: number, view: DataView) => Extra>> = {
  raw_tracepoint: (fd) => ({ tracepoint: nameAt(fd, 16, 24).name }),
  iter: (fd) => {
    const { name, view } = nameAt(fd, 16, 24);
    return {
      iterator: {
        name,
        mapId: u32(view, 28),
        cgroupId: u64(view, 32),
        order: u32(view, 40),
        tid: u32(view, 32),
        pid: u32(view, 36),
      },
    };
  },
  perf_event: (fd, view) => ({ perfEvent: perfEvent(fd, u32(view, 16)) }),
  netfilter: (_, view) => ({ netfilterFlags: u32(view, 28) }),
  uprobe_multi: uprobes,
  kprobe_multi: kprobes,
};

/** Asks again with room for a name, whose pointer and length are at the given places. */
function nameAt(fd: number, pointerAt: number, lengthAt: number): { name: string; view: DataView } {
  const name = new NativeBuffer(NAME_SIZE);
  const { view } = objectInfo(fd, LINK_INFO_SIZE, (fields) => {
    setU64(fields, pointerAt, name.address);
    fields.setUint32(lengthAt, name.length, true);
  });
  return { name: textOf(name.bytes), view };
}

const perfKinds = ["unspec", "uprobe", "uretprobe", "kprobe", "kretprobe", "tracepoint", "event"] as const;

function perfEvent(fd: number, number: number): PerfEventLink {
  const kind = perfKinds[number] ?? number;
  const none = { kind, name: "", offset: 0, cookie: 0n, address: 0n, missed: 0n, type: 0, config: 0n };
  switch (kind) {
    case "uprobe":
    case "uretprobe": {
      const { name, view } = nameAt(fd, 24, 32);
      return { ...none, name, offset: u32(view, 36), cookie: u64(view, 40) };
    }
    case "kprobe":
    case "kretprobe": {
      const { name, view } = nameAt(fd, 24, 32);
      const rest = { address: u64(view, 40), missed: u64(view, 48), cookie: u64(view, 56) };
      return { ...none, name, offset: u32(view, 36), ...rest };
    }
    case "tracepoint": {
      const { name, view } = nameAt(fd, 24, 32);
      return { ...none, name, cookie: u64(view, 40) };
    }
    case "event": {
      const { view } = objectInfo(fd, LINK_INFO_SIZE);
      return { ...none, config: u64(view, 24), type: u32(view, 32), cookie: u64(view, 40) };
    }
    default:
      return none;
  }
}

function u64s(buffer: NativeBuffer): bigint[] {
  return Array.from({ length: buffer.length / 8 }, (_, i) => u64(buffer.view, i * 8));
}

function uprobes(fd: number, sizes: DataView): Extra {
  const count = u32(sizes, 52);
  const path = new NativeBuffer(NAME_SIZE);
  const [offsets, semaphores, cookies] = [0, 1, 2].map(() => new NativeBuffer(count * 8)) as [
    NativeBuffer,
    NativeBuffer,
    NativeBuffer,
  ];
  const { view } = objectInfo(fd, LINK_INFO_SIZE, (fields) => {
    setU64(fields, 16, path.address);
    setU64(fields, 24, offsets.address);
    setU64(fields, 32, semaphores.address);
    setU64(fields, 40, cookies.address);
    fields.setUint32(48, path.length, true);
    fields.setUint32(52, count, true);
  });
  return {
    uprobes: {
      path: textOf(path.bytes),
      offsets: u64s(offsets),
      semaphores: u64s(semaphores),
      cookies: u64s(cookies),
      flags: u32(view, 56),
      pid: u32(view, 60),
    },
  };
}

function kprobes(fd: number, sizes: DataView): Extra {
  const count = u32(sizes, 24);
  const addresses = new NativeBuffer(count * 8);
  const cookies = new NativeBuffer(count * 8);
  const { view } = objectInfo(fd, LINK_INFO_SIZE, (fields) => {
    setU64(fields, 16, addresses.address);
    fields.setUint32(24, count, true);
    setU64(fields, 40, cookies.address);
  });
  return {
    kprobes: { addresses: u64s(addresses), cookies: u64s(cookies), flags: u32(view, 28), missed: u64(view, 32) },
  };
}
