import type { Btf } from "./btf.js";
import { CDefinitions } from "./c-definitions.js";
import type { TypeId } from "./types.js";

/** Choices for `printC`. */
export interface PrintCOptions {
  /** Types to define, with all that they need; all types unless told. */
  readonly roots?: Iterable<TypeId> | undefined;
  /** Wraps the definitions so that clang records accesses to them for CO-RE. True unless told. */
  readonly preserveAccessIndex?: boolean | undefined;
  /** Name of the include guard; `"__VMLINUX_H__"` unless told, none where it is empty. */
  readonly guard?: string | undefined;
}

/**
 * Types as a C header, the way of `bpftool btf dump ... format c`: each after what it needs, with forward declarations for
 * what only pointers lead to, and with padding and `packed` so that a compiler for a 64-bit machine lays them out as BTF
 * says. A second type of one name is called `name___2`, which CO-RE takes for the same.
 *
 * @throws FormatError for a root that is out of range.
 * @throws BpfError `"BTF_PRINT"` for types that are nested beyond reason, or that would take over 256 MiB of text.
 */
export function printC(btf: Btf, options: PrintCOptions = {}): string {
  const { preserveAccessIndex = true, guard = "__VMLINUX_H__" } = options;
  const definitions = new CDefinitions(btf);
  for (const id of options.roots ?? allTypes(btf)) definitions.define(id);
  const text = definitions.text();
  const lines: string[] = [];
  if (guard !== "") lines.push(`#ifndef ${guard}`, `#define ${guard}`, "");
  if (preserveAccessIndex) {
    lines.push(
      "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX",
      "#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)",
      "#endif",
      "",
    );
  }
  lines.push(text);
  if (preserveAccessIndex) {
    lines.push("#ifndef BPF_NO_PRESERVE_ACCESS_INDEX", "#pragma clang attribute pop", "#endif", "");
  }
  if (guard !== "") lines.push(`#endif /* ${guard} */`, "");
  return lines.join("\n");
}

function* allTypes(btf: Btf): IterableIterator<TypeId> {
  for (let id = 1; id < btf.length; id++) yield id;
}

/** The declaration of one type's value without definitions: `struct sock *sk`, `int (*fn)(void)`. */
export function printDeclaration(btf: Btf, id: TypeId, name = ""): string {
  return new CDefinitions(btf).declaration(id, name);
}
