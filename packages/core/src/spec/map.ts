import type { MapType } from "../abi/index.js";
import type { TypeId } from "../btf/index.js";

/** What a map's slot holds before the first program runs. */
export interface MapEntry {
  /** Key bytes; for array-like maps a u32 index, little-endian. */
  readonly key: Uint8Array;
  /** Value bytes, or what the slot refers to, by name within the object. */
  readonly value: Uint8Array | { readonly map: string } | { readonly program: string };
}

/** A map to create: a value without an environment. Sizes are in bytes. */
export interface MapSpec {
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
  /** Frozen (BPF_MAP_FREEZE) once filled: `.rodata`, `.kconfig`. */
  freeze: boolean;
  /** ELF section of a global-data map (`".rodata.str1.1"`), else undefined. */
  dataSection?: string | undefined;
}
