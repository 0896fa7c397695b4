import { NotSupportedError } from "../base/index.js";
import type { Btf, TypeId } from "../btf/index.js";
import type { MapSpec } from "./map.js";
import type { ProgramSpec, UntypedProgramSpec } from "./program.js";

/** A global variable of the object: a window into the initial value of a global-data map. */
export interface VariableSpec {
  readonly name: string;
  /** The map that holds it, by its key in {@link ObjectSpec.maps}. */
  readonly map: string;
  /** Bytes from the start of the map's value. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** Its BTF type (not the var record); 0 where unknown. */
  readonly typeId: TypeId;
  /** True in `.rodata*`: fixed once loaded. */
  readonly constant: boolean;
  /** A copy of the bytes that it will start with, in the object's byte order. */
  get(): Uint8Array;
  /**
   * Changes the map's initial contents. A number, bigint or boolean is written in the variable's size and the object's
   * byte order.
   *
   * @throws BpfError `"VARIABLE_SIZE"` when a `Uint8Array` isn't `size` bytes, or for a number where the variable isn't
   * of 1, 2, 4 or 8 bytes; `"VARIABLE_RANGE"` when the number doesn't fit.
   */
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

/**
 * All of an object file, as values: look at it, edit it, load it into any host.
 *
 * The keys of `maps` and `programs` are what references, initial contents and variables name; they are the names in the
 * object file and stay when {@link MapSpec.name} or {@link ProgramSpec.name} is changed to what the kernel should show.
 * Global data are the maps `.data`, `.rodata`, `.bss`, `.rodata.str1.1` ... and `.kconfig`, under their section's name.
 */
export interface ObjectSpec {
  /** File name without directory and `.o`/`.bpf.o`, where known. */
  name: string;
  /** Of the programs' target. Hosts refuse `"big"` with {@link requireLittleEndian}. */
  readonly byteOrder: "little" | "big";
  maps: Map<string, MapSpec>;
  programs: Map<string, ProgramSpec>;
  /**
   * Programs whose section name doesn't say their type. Hosts ignore them; give one a type and move it:
   * `spec.programs.set(name, { ...spec.untyped.get(name)!, type: "xdp" })`.
   */
  untyped: Map<string, UntypedProgramSpec>;
  variables: Map<string, VariableSpec>;
  kconfig: readonly KconfigSpec[];
  btf?: Btf | undefined;
}

/**
 * What a host calls before it loads or verifies an object: hosts are little-endian.
 *
 * @throws NotSupportedError `"big-endian object"`.
 */
export function requireLittleEndian(object: Pick<ObjectSpec, "name" | "byteOrder">): void {
  if (object.byteOrder === "big") {
    throw new NotSupportedError(
      "big-endian object",
      `${object.name || "the object"} was compiled for big-endian machines (clang -target bpfeb) and cannot run on a little-endian one; compile it with -target bpf or bpfel`,
    );
  }
}
