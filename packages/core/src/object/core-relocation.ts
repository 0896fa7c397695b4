import { type Btf, essentialName, type TypeId } from "../btf/index.js";
import type { CoreRelocation, ProgramSpec } from "../spec/index.js";
import { kindsCompatible, TooDeep } from "./core-compatibility.js";
import { targetPath } from "./core-match.js";
import { type CoreSide, patchInstruction } from "./core-patch.js";
import { type CorePath, coreError, describePath, localPath } from "./core-path.js";
import { coreValue } from "./core-value.js";

/** What became of one relocation. */
export interface CoreResolution {
  readonly relocation: CoreRelocation;
  /** What it names, as C would: `struct task_struct.pid`. */
  readonly description: string;
  /** Value for the target; undefined where the instruction was made one that must not be reached. */
  readonly value: bigint | undefined;
  /** Where it was found: a type of the target, undefined where there is none. */
  readonly targetType: TypeId | undefined;
  /** What it names in the target; undefined where there is none, and for ids of the object's own types. @internal */
  readonly targetPath: CorePath | undefined;
  /** Why the instruction must not be reached. */
  readonly poisoned: string | undefined;
}

/**
 * Relocates a program for a target kernel: "compile once, run everywhere". A new spec with patched instructions and
 * without relocations; `program` stays as it is.
 *
 * A field, enumerator or access that the target lacks makes its instruction a call of helper 0xbad2310, as libbpf does: a
 * program that guards it with `bpf_core_field_exists` never gets there, and for others the verifier says
 * `invalid func unknown#195896080`.
 *
 * @param local The object's own BTF.
 * @param target The kernel's BTF; or several, vmlinux's first and modules' behind it, which are only looked at for types
 * that vmlinux lacks (and may be read only then: the iterable is walked anew each time).
 * @throws BpfError `"CORE_RELOCATION"` where several target types disagree, or a relocation makes no sense.
 * @see https://docs.kernel.org/bpf/libbpf/libbpf_overview.html#bpf-co-re-compile-once-run-everywhere
 */
export function applyCoreRelocations(program: ProgramSpec, local: Btf, target: Btf | Iterable<Btf>): ProgramSpec {
  return relocateForTarget(program, local, target).program;
}

/** {@link applyCoreRelocations} with an account of each relocation. */
export function relocateForTarget(
  program: ProgramSpec,
  local: Btf,
  target: Btf | Iterable<Btf>,
): { readonly program: ProgramSpec; readonly resolutions: readonly CoreResolution[] } {
  if (program.coreRelocations.length === 0) return { program, resolutions: [] };
  const insns = program.insns.slice();
  const relocator = new Relocator(local, Symbol.iterator in target ? target : [target]);
  const resolutions = program.coreRelocations.map((relocation) => relocator.relocate(insns, relocation));
  return { program: { ...program, insns, coreRelocations: [] }, resolutions };
}

interface Candidate {
  readonly btf: Btf;
  readonly id: TypeId;
}

class Relocator {
  readonly #local: Btf;
  readonly #targets: Iterable<Btf>;
  readonly #candidates = new Map<TypeId, Candidate[]>();

  constructor(local: Btf, targets: Iterable<Btf>) {
    this.#local = local;
    this.#targets = targets;
  }

  relocate(insns: Uint8Array, relocation: CoreRelocation): CoreResolution {
    const path = localPath(this.#local, relocation);
    const local: CoreSide = { btf: this.#local, path, result: coreValue(this.#local, relocation, path) };
    const target = relocation.kind === "type_id_local" ? local : this.#resolve(relocation, local);
    const poisoned = patchInstruction(insns, relocation, local, target);
    return {
      relocation,
      description: describePath(this.#local, relocation.kind, path),
      value: poisoned === undefined ? target.result.value : undefined,
      targetType: target.path?.root,
      targetPath: relocation.kind === "type_id_local" ? undefined : target.path,
      poisoned,
    };
  }

  /** The one value that all matching target types agree on, or that of no type at all. */
  #resolve(relocation: CoreRelocation, local: CoreSide): CoreSide {
    const candidates = this.#candidatesOf(relocation);
    const matching: Candidate[] = [];
    let agreed: CoreSide | undefined;
    for (const candidate of candidates) {
      const side = this.#sideOf(relocation, local, candidate);
      if (side === undefined) continue;
      matching.push(candidate);
      agreed ??= side;
      const same = agreed.path?.bitOffset === side.path?.bitOffset && agreed.result.value === side.result.value;
      if (!same) throw this.#ambiguous(relocation, local, agreed, side);
    }
    // What one relocation told apart stays so for the others of its type.
    if (matching.length > 0) this.#candidates.set(relocation.typeId, matching);
    if (agreed !== undefined) return agreed;
    return { btf: this.#local, path: undefined, result: coreValue(this.#local, relocation, undefined) };
  }

  #sideOf(relocation: CoreRelocation, local: CoreSide, { btf, id }: Candidate): CoreSide | undefined {
    try {
      const path = targetPath(this.#local, local.path!, relocation.kind, btf, id);
      return path === undefined ? undefined : { btf, path, result: coreValue(btf, relocation, path) };
    } catch (error) {
      if (error instanceof TooDeep) throw coreError(relocation, `type ${id} is nested too deeply to compare`);
      throw error;
    }
  }

  #candidatesOf(relocation: CoreRelocation): readonly Candidate[] {
    const { typeId } = relocation;
    let candidates = this.#candidates.get(typeId);
    if (candidates === undefined) {
      const name = essentialName(this.#local.name(typeId));
      if (name === "") throw coreError(relocation, `type ${typeId} has no name to look for`);
      candidates = this.#search(name, typeId);
      this.#candidates.set(typeId, candidates);
    }
    return candidates;
  }

  #search(name: string, typeId: TypeId): Candidate[] {
    const type = this.#local.type(typeId);
    const found: Candidate[] = [];
    let first = true;
    for (const btf of this.#targets) {
      // A module's graph contains vmlinux's, which was searched before it.
      const from = first ? 1 : btf.firstId;
      for (const id of btf.findFlavors(name)) {
        if (id >= from && kindsCompatible(type, btf.type(id))) found.push({ btf, id });
      }
      if (first && found.length > 0) break;
      first = false;
    }
    return found;
  }

  #ambiguous(relocation: CoreRelocation, local: CoreSide, one: CoreSide, other: CoreSide): Error {
    const what = describePath(this.#local, relocation.kind, local.path!);
    const each = ({ path, result }: CoreSide) => `${result.value} by type ${path?.root}`;
    return coreError(relocation, `${what} is ambiguous: ${each(one)}, ${each(other)}`);
  }
}
