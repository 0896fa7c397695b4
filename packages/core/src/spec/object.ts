import type { Btf, TypeId } from "../btf/index.js";
import type { MapSpec } from "./map.js";
import type { ProgramSpec } from "./program.js";

/** A global variable of the object: a window into the initial value of a global-data map. */
export interface VariableSpec {
  readonly name: string;
  /** The map that holds it, by its name in {@link ObjectSpec.maps}. */
  readonly map: string;
  /** Bytes from the start of the map's value. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** Its BTF type (not the var record); 0 where unknown. */
  readonly typeId: TypeId;
  /** True in `.rodata*`: fixed once loaded. */
  readonly constant: boolean;
  /** The bytes it will start with; a view into the map's initial contents. */
  get(): Uint8Array;
  /** @throws BpfError `"VARIABLE_SIZE"` when `value` isn't `size` bytes. */
  set(value: Uint8Array | number | bigint | boolean): void;
}

/** `extern ... __kconfig`: filled in by the host at load, in the map `.kconfig`. */
export interface KconfigSpec {
  /** `CONFIG_HZ`, or libbpf's `LINUX_KERNEL_VERSION` and its like. */
  readonly name: string;
  /** Bytes from the start of the value of `.kconfig`. */
  readonly offset: number;
  readonly size: number;
  readonly typeId: TypeId;
  readonly weak: boolean;
}

/** All of an object file, as values: look at it, edit it, load it into any host. */
export interface ObjectSpec {
  /** File name without directory and `.o`/`.bpf.o`, where known. */
  name: string;
  maps: Map<string, MapSpec>;
  programs: Map<string, ProgramSpec>;
  variables: Map<string, VariableSpec>;
  kconfig: readonly KconfigSpec[];
  btf?: Btf | undefined;
}
