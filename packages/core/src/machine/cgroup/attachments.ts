import { type AttachType, attachTypeId, E2BIG, EINVAL, ENOENT, EPERM } from "../../abi/index.js";
import { failure } from "../failure.js";
import type { MachineLink } from "../machine-link.js";
import type { MachineProgram } from "../machine-program.js";
import type { Cgroup } from "./cgroup.js";

/** Programs that one hook of a cgroup takes (BPF_CGROUP_MAX_PROGS). */
const MAX_PROGRAMS = 64;

/**
 * What a cgroup lets those below it do with a hook: `none` may attach, a program there takes the place of this one
 * (`override`), or all run (`multi`).
 */
export type CgroupSharing = "none" | "override" | "multi";

/** A program at a hook of a cgroup. */
export interface CgroupEntry {
  readonly link: MachineLink;
  program: MachineProgram;
  /** Runs before those of the cgroups below, instead of after them (BPF_F_PREORDER, since 6.15). */
  readonly preorder: boolean;
  /** The group, and what storage of programs is told apart by. */
  readonly storage: { readonly cgroup: bigint; readonly attachType: number };
}

/** Where a new program goes. */
export interface CgroupPlace {
  readonly before?: MachineLink | undefined;
  readonly after?: MachineLink | undefined;
  readonly preorder?: boolean | undefined;
}

interface Hook {
  sharing: CgroupSharing;
  entries: readonly CgroupEntry[];
}

const nothing: readonly CgroupEntry[] = [];

/** Programs at a cgroup's hooks, and those that are effective for it: its own, and what it inherits. */
export class CgroupAttachments {
  readonly #cgroup: Cgroup;
  readonly #hooks = new Map<AttachType, Hook>();
  readonly #effective = new Map<AttachType, readonly CgroupEntry[]>();

  constructor(cgroup: Cgroup) {
    this.#cgroup = cgroup;
  }

  /** Its own programs at a hook, in the order of their attachment. */
  own(type: AttachType): readonly CgroupEntry[] {
    return this.#hooks.get(type)?.entries ?? nothing;
  }

  /** The programs that run for it, in their order. */
  effective(type: AttachType): readonly CgroupEntry[] {
    const known = this.#effective.get(type);
    if (known !== undefined) return known;
    const found = this.#computeEffective(type);
    this.#effective.set(type, found);
    return found;
  }

  /**
   * Adds a program. The order is that of attachment unless `place` says otherwise.
   *
   * @returns The entry whose place it took: without `multi` there is one program.
   * @throws SyscallError EPERM where a cgroup above, or the programs that are there, do not allow it, E2BIG for more than
   * 64, EINVAL for a program that is there already, ENOENT for a neighbour that isn't.
   */
  add(
    type: AttachType,
    sharing: CgroupSharing,
    place: CgroupPlace,
    make: (storage: CgroupEntry["storage"], preorder: boolean) => CgroupEntry,
    program: MachineProgram,
    replaced?: MachineProgram,
  ): CgroupEntry | undefined {
    const command = "BPF_PROG_ATTACH";
    if (!allowsBelow(this.#cgroup.parent, type))
      throw failure(command, EPERM, "a cgroup above has a program that may not be overridden");
    const hook = this.#hooks.get(type) ?? { sharing, entries: nothing };
    if (hook.entries.length > 0 && hook.sharing !== sharing)
      throw failure(command, EPERM, `the programs that are there were attached as '${hook.sharing}'`);
    if (hook.entries.length >= MAX_PROGRAMS) throw failure(command, E2BIG, `there are ${MAX_PROGRAMS} programs`);
    let before: CgroupEntry | undefined = hook.entries[0];
    if (sharing === "multi") {
      before = replaced && hook.entries.find((entry) => entry.program.id === replaced.id);
      if (replaced !== undefined && before === undefined)
        throw failure(command, ENOENT, "the program to be replaced is not there");
      if (hook.entries.some((entry) => entry.link.id === 0 && entry.program.id === program.id && entry !== before))
        throw failure(command, EINVAL, `program '${program.name}' is there already`);
    }
    const storage = { cgroup: this.#cgroup.id, attachType: attachTypeId(type) };
    const entry = make(storage, place.preorder ?? false);
    const entries =
      before === undefined
        ? hook.entries.toSpliced(placeOf(hook.entries, place), 0, entry)
        : hook.entries.map((each) => (each === before ? entry : each));
    this.#hooks.set(type, { sharing, entries });
    this.#forget(type);
    return before;
  }

  remove(type: AttachType, entry: CgroupEntry): void {
    const hook = this.#hooks.get(type);
    if (hook === undefined) return;
    hook.entries = hook.entries.filter((each) => each !== entry);
    if (hook.entries.length === 0) this.#hooks.delete(type);
    this.#forget(type);
  }

  /** The cgroup goes. */
  detachAll(): void {
    for (const { entries } of [...this.#hooks.values()]) for (const { link } of entries) link.object.detach();
  }

  /** @internal Its own entries where they count for a cgroup below that has `count` of them already. */
  inherited(type: AttachType, count: number): readonly CgroupEntry[] {
    const hook = this.#hooks.get(type);
    return hook !== undefined && (count === 0 || hook.sharing === "multi") ? hook.entries : nothing;
  }

  /** @internal */
  sharingOf(type: AttachType): CgroupSharing | undefined {
    return this.#hooks.get(type)?.sharing;
  }

  #computeEffective(type: AttachType): readonly CgroupEntry[] {
    const later: CgroupEntry[] = [];
    let first: CgroupEntry[] = [];
    for (let group: Cgroup | undefined = this.#cgroup; group !== undefined; group = group.parent) {
      const entries = group.attachments.inherited(type, later.length + first.length);
      later.push(...entries.filter(({ preorder }) => !preorder));
      first = [...entries.filter(({ preorder }) => preorder), ...first];
    }
    return [...first, ...later];
  }

  #forget(type: AttachType): void {
    this.#effective.delete(type);
    for (const child of this.#cgroup.children.values()) child.attachments.#forget(type);
  }
}

function allowsBelow(parent: Cgroup | undefined, type: AttachType): boolean {
  for (let group = parent; group !== undefined; group = group.parent) {
    const sharing = group.attachments.sharingOf(type);
    if (sharing === "multi" || sharing === "override") return true;
    if (sharing === "none") return false;
  }
  return true;
}

function placeOf(entries: readonly CgroupEntry[], { before, after }: CgroupPlace): number {
  const anchor = before ?? after;
  if (anchor === undefined) return entries.length;
  const at = entries.findIndex(({ link }) => link.isSame(anchor));
  if (at < 0) throw failure("BPF_LINK_CREATE", ENOENT, "the other link is not at this hook");
  return before === undefined ? at + 1 : at;
}
