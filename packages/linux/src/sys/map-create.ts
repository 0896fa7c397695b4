import { mapTypeId } from "@tsbpf/core/abi";
import { BpfCall } from "./bpf.js";
import { syscallError } from "./errno.js";
import type { Capability } from "./permissions.js";
import { tokenInUse } from "./token.js";

/** What BPF_MAP_CREATE takes, in the kernel's numbers. */
export interface MapCreate {
  readonly type: number;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes. */
  readonly valueSize: number;
  /** Entries; bytes for ring buffers, pages for an arena. */
  readonly maxEntries: number;
  readonly flags?: number | undefined;
  readonly name?: string | undefined;
  /** Template of the inner maps of a map of maps. */
  readonly innerMapFd?: number | undefined;
  readonly numaNode?: number | undefined;
  readonly mapExtra?: bigint | undefined;
  readonly btfFd?: number | undefined;
  readonly keyTypeId?: number | undefined;
  readonly valueTypeId?: number | undefined;
  /** struct_ops: `struct bpf_struct_ops_NAME` in vmlinux. */
  readonly vmlinuxValueTypeId?: number | undefined;
  readonly valueTypeBtfFd?: number | undefined;
  readonly interfaceIndex?: number | undefined;
}

/** Types that take CAP_NET_ADMIN too. */
const ofNetworks: ReadonlySet<number> = new Set(
  (["sockmap", "sockhash", "devmap", "devmap_hash", "xskmap"] as const).map(mapTypeId),
);

/** BPF_MAP_CREATE: the map's fd. @throws SyscallError */
export function createMap(map: MapCreate): number {
  const token = tokenInUse();
  const result = new BpfCall("BPF_MAP_CREATE", {
    map_type: map.type,
    key_size: map.keySize,
    value_size: map.valueSize,
    max_entries: map.maxEntries,
    map_flags: (map.flags ?? 0) | token.flag,
    map_name: map.name,
    inner_map_fd: map.innerMapFd,
    numa_node: map.numaNode,
    map_extra: map.mapExtra,
    btf_fd: map.btfFd,
    btf_key_type_id: map.keyTypeId,
    btf_value_type_id: map.valueTypeId,
    btf_vmlinux_value_type_id: map.vmlinuxValueTypeId,
    value_type_btf_obj_fd: map.valueTypeBtfFd,
    map_ifindex: map.interfaceIndex,
    map_token_fd: token.fd,
  }).try();
  if (result >= 0) return result;
  const needs: readonly Capability[] = ofNetworks.has(map.type) ? ["CAP_NET_ADMIN"] : [];
  throw syscallError(`BPF_MAP_CREATE of '${map.name ?? ""}'`, -result, { needs });
}
