import { attachTypeName, programTypeName } from "@tsbpf/core/abi";
import type { LinkDetails, PerfEventLink } from "@tsbpf/linux";
import type { LiveHost } from "../live/live-host.js";

/** What a link says beside its id, type and program, in the order and under the names of bpftool's JSON. */
export function linkMembers(host: LiveHost, info: LinkDetails): Record<string, unknown> {
  switch (info.type) {
    case "raw_tracepoint":
      return { tp_name: info.tracepoint };
    case "tracing":
      return {
        prog_type: programType(host, info.programId),
        ...attach(info),
        target_obj_id: info.targetObjectId,
        target_btf_id: info.targetTypeId,
      };
    case "cgroup":
      return { cgroup_id: info.cgroupId, ...attach(info) };
    case "iter":
      return iterator(info);
    case "netns":
      return { netns_ino: info.networkNamespaceInode, ...attach(info) };
    case "xdp":
      return device(info);
    case "tcx":
    case "netkit":
      return { ...device(info), ...attach(info) };
    case "sockmap":
      return { map_id: info.mapId, ...attach(info) };
    case "struct_ops":
      return { map_id: info.mapId };
    case "netfilter":
      return netfilter(info);
    case "perf_event":
      return perfEvent(info.perfEvent);
    case "uprobe_multi":
      return uprobes(info);
    case "kprobe_multi":
      return kprobes(info);
    default:
      return {};
  }
}

function attach({ attachType, attachTypeNumber = 0 }: LinkDetails): Record<string, unknown> {
  return { attach_type: attachType ?? attachTypeName(attachTypeNumber) ?? attachTypeNumber };
}

function device({ interfaceIndex = 0, deviceName }: LinkDetails): Record<string, unknown> {
  return { devname: interfaceIndex === 0 ? "(detached)" : (deviceName ?? "(unknown)"), ifindex: interfaceIndex };
}

function programType(host: LiveHost, id: number): string | number | undefined {
  const program = host.find("program", id);
  if (program === undefined) return undefined;
  const { type } = program.details();
  program.close();
  return programTypeName(type) ?? type;
}

const orders = ["unspec", "self_only", "descendants_pre", "descendants_post", "ancestors_up"];

function iterator({ iterator: target }: LinkDetails): Record<string, unknown> {
  if (target === undefined) return {};
  const { name, mapId, cgroupId, order, tid, pid } = target;
  if (name === "bpf_map_elem" || name === "bpf_sk_storage_map") return { target_name: name, map_id: mapId };
  if (name === "cgroup") return { target_name: name, cgroup_id: cgroupId, order: orders[order] ?? order };
  if (!name.startsWith("task")) return { target_name: name };
  return { target_name: name, tid: tid || undefined, pid: pid || undefined };
}

const families: Readonly<Record<number, string>> = {
  1: "inet",
  2: "ip",
  3: "arp",
  5: "netdev",
  7: "bridge",
  10: "ip6",
};
const hooks = ["prerouting", "input", "forward", "output", "postrouting"];

function netfilter({ netfilter: place, netfilterFlags }: LinkDetails): Record<string, unknown> {
  if (place === undefined) return {};
  return { pf: place.family, hook: place.hook, prio: place.priority, flags: netfilterFlags };
}

/** Where a netfilter link is, in words: `ip prerouting prio -5`. */
export function netfilterText({ netfilter: place, netfilterFlags }: LinkDetails): string {
  if (place === undefined) return "";
  const { family, hook, priority } = place;
  const isInet = family === 2 || family === 10 || family === 1;
  const name = (isInet ? hooks[hook] : undefined) ?? `hook ${hook}`;
  const flags = netfilterFlags ? ` flags 0x${netfilterFlags.toString(16)}` : "";
  return `${families[family] ?? `pf ${family}`} ${name} prio ${priority}${flags}`;
}

function perfEvent(event: PerfEventLink | undefined): Record<string, unknown> {
  switch (event?.kind) {
    case "uprobe":
    case "uretprobe":
      return { retprobe: event.kind === "uretprobe", file: event.name, offset: event.offset, cookie: event.cookie };
    case "kprobe":
    case "kretprobe":
      return {
        retprobe: event.kind === "kretprobe",
        addr: event.address,
        func: event.name,
        offset: event.offset,
        missed: event.missed,
        cookie: event.cookie,
      };
    case "tracepoint":
      return { tracepoint: event.name, cookie: event.cookie };
    case "event":
      return { event_type: event.type, event_config: event.config, cookie: event.cookie };
    default:
      return {};
  }
}

function uprobes({ uprobes: multi }: LinkDetails): Record<string, unknown> {
  if (multi === undefined) return {};
  return {
    retprobe: (multi.flags & 1) !== 0,
    path: multi.path,
    func_cnt: multi.offsets.length,
    pid: multi.pid,
    funcs: multi.offsets.map((offset, i) => ({
      offset,
      ref_ctr_offset: multi.semaphores[i],
      cookie: multi.cookies[i],
    })),
  };
}

function kprobes({ kprobes: multi }: LinkDetails): Record<string, unknown> {
  if (multi === undefined) return {};
  return {
    retprobe: (multi.flags & 1) !== 0,
    func_cnt: multi.addresses.length,
    missed: multi.missed,
    funcs: multi.addresses.map((addr, i) => ({ addr, cookie: multi.cookies[i] })),
  };
}
