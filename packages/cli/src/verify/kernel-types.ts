import { existsSync } from "node:fs";
import { BpfError } from "@tsbpf/core/base";
import { type Btf, essentialName, parseBtf } from "@tsbpf/core/btf";
import type { ObjectSpec, ProgramSpec } from "@tsbpf/core/spec";
import { readInput } from "../object-file.js";

const RUNNING_KERNEL = "/sys/kernel/btf/vmlinux";

/** The kernel's types that a verdict is given with. */
export interface KernelTypes {
  readonly types: Btf;
  readonly source: "file" | "running" | "shipped";
  /** Whose they are, for people: `"running kernel"`, a file's name, `"Linux 6.18 on x86-64, shipped"`. */
  readonly origin: string;
}

const loaded = new Map<string | undefined, Promise<KernelTypes>>();

/**
 * The kernel's types: those of `--btf`, else the running kernel's where it has them, else the shipped ones. `--btf
 * shipped` asks for these. Each is read once.
 */
export function loadKernelTypes(file: string | undefined): Promise<KernelTypes> {
  let types = loaded.get(file);
  if (types === undefined) {
    types = readKernelTypes(file);
    loaded.set(file, types);
  }
  return types;
}

async function readKernelTypes(file: string | undefined): Promise<KernelTypes> {
  if (file !== "shipped" && file !== undefined) {
    return { types: parseBtf(await readInput(file)), source: "file", origin: file };
  }
  if (file === undefined && existsSync(RUNNING_KERNEL)) {
    return { types: parseBtf(await readInput(RUNNING_KERNEL)), source: "running", origin: "running kernel" };
  }
  const { kernelTypesOrigin, loadKernelTypes: load } = await import("@tsbpf/core/kernel-types");
  return { types: await load(), source: "shipped", origin: `${kernelTypesOrigin}, shipped` };
}

/** Names that say nothing about a program when only the shipped types lack them. */
const missingNames: ReadonlySet<string> = new Set(["NO_SUCH_SYMBOL", "NO_ATTACH_TARGET"]);

/** Is the error about a name that the shipped types leave out, and the kernel may have? */
export function isLeftOut({ source }: KernelTypes, error: unknown): error is BpfError {
  return source === "shipped" && error instanceof BpfError && missingNames.has(error.code);
}

/**
 * The first type that a program's CO-RE relocations ask for and the shipped types leave out; the kernel may have it, so
 * that what becomes of the relocation is not known.
 */
export function leftOutType(
  { source, types }: KernelTypes,
  object: ObjectSpec,
  program: ProgramSpec,
): string | undefined {
  const { btf } = object;
  if (source !== "shipped" || btf === undefined) return undefined;
  const names = program.coreRelocations
    .filter(({ kind }) => kind !== "type_id_local")
    .map(({ typeId }) => essentialName(btf.name(typeId)));
  return names.find((name) => name !== "" && types.findFlavors(name).length === 0);
}
