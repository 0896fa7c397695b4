import type { MapType } from "../abi/index.js";

/** A field of a value that updates and lookups leave alone: lookups from user space read it as zeroes. Bytes. */
export interface ValueField {
  readonly kind:
    | "spin_lock"
    | "timer"
    | "workqueue"
    | "kptr"
    | "list_head"
    | "list_node"
    | "rb_root"
    | "rb_node"
    | "refcount";
  readonly offset: number;
  readonly size: number;
}

/** What BPF_MAP_CREATE takes. Sizes in bytes. */
export interface MapAttributes {
  readonly name?: string | undefined;
  readonly type: MapType;
  readonly keySize: number;
  readonly valueSize: number;
  /** Entries; bytes of a ring buffer; pages of an arena. */
  readonly maxEntries: number;
  /** BPF_F_* */
  readonly flags?: number | undefined;
  readonly numaNode?: number | undefined;
  /** Hash functions of a Bloom filter, address of an arena. */
  readonly mapExtra?: bigint | undefined;
  /** Special fields of the value, in order, as its BTF says. */
  readonly fields?: readonly ValueField[] | undefined;
}
