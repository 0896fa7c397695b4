import type { MapType } from "../abi/index.js";
import type { TypeId } from "../btf/index.js";

/** What a map's slot holds before the first program runs. */
export interface MapEntry {
  /** Key bytes; for array-like maps a u32 index, little-endian. */
  readonly key: Uint8Array;
  /** Value bytes, or what the slot refers to, by name within the object. */
  readonly value: Uint8Array | { readonly map: string } | { readonly program: string };
}

/** What a map of type `struct_ops` is made of: a kernel interface implemented by programs. Since 5.6. */
export interface StructOpsSpec {
  /** The struct in the object's BTF, e.g. `tcp_congestion_ops`. */
  readonly typeId: TypeId;
  /** `typeId`'s name; a suffix `___flavour` doesn't count for the kernel. */
  readonly typeName: string;
  /** Member functions; the plain members' bytes are the map's contents. `offset` is in bytes. */
  readonly functions: readonly { readonly member: string; readonly offset: number; readonly program: string }[];
  /** True in `.struct_ops.link`: attached by a link (BPF_F_LINK, since 6.4), else by updating the map. */
  readonly link: boolean;
}

/** A map to create: a value without an environment. Sizes are in bytes. */
export interface MapSpec {
  /** What the kernel will show; hosts cut it to 15 bytes. References use the key in `ObjectSpec.maps` instead. */
  name: string;
  type: MapType;
  keySize: number;
  valueSize: number;
  /** Entries; bytes for ring buffers. 0 lets the host choose where the type has a default (per-CPU counts). */
  maxEntries: number;
  /** BPF_F_* (`map_flags`). */
  flags: number;
  numaNode: number;
  /** `map_extra`: hash functions of a bloom filter, address of an arena. */
  mapExtra: bigint;
  /** `"by_name"` is LIBBPF_PIN_BY_NAME; `"object"` and `"global"` are iproute2's namespaces. */
  pinning: "none" | "by_name" | "object" | "global";
  /** Key and value in the object's BTF; 0 where unknown. */
  keyTypeId: TypeId;
  valueTypeId: TypeId;
  /** Type of the inner maps, for maps of maps. */
  inner?: MapSpec | undefined;
  contents: readonly MapEntry[];
  /** For type `struct_ops`. */
  structOps?: StructOpsSpec | undefined;
  /** False for `?.struct_ops`: not created unless asked for. */
  autocreate: boolean;
  /** Frozen (BPF_MAP_FREEZE) once filled: `.rodata`, `.kconfig`. */
  freeze: boolean;
  /**
   * ELF section of a global-data map (`".rodata.str1.1"`), else undefined. Its only entry, key 0, holds the section's
   * bytes; no entry at all means zeros (`.bss`). An arena's `".addr_space.1"` lies at the start of the arena.
   */
  dataSection?: string | undefined;
}
