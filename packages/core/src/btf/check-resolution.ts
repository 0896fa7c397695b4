import type { Btf } from "./btf.js";
import { isModifier, resolve } from "./graph.js";
import { typeIdsOf } from "./type-ids.js";
import type { BtfType, TypeId } from "./types.js";

/** MAX_RESOLVE_DEPTH: how many types the kernel has under way at once. */
export const MAX_DEPTH = 32;

/** What the walk that is under way looks through; it is set by the first pointer, struct or array on it. */
type Mode = "undecided" | "pointer" | "container";

/**
 * The kernel resolves types in the order of their ids and needs a stack of what each still waits for; it gives up at 32.
 * The same chain of 40 types passes in one order and not in the other, so this does what the kernel does. Returns the
 * first type that it cannot resolve.
 */
export function firstUnresolvable(btf: Btf): TypeId | undefined {
  const resolution = new Resolution(btf);
  for (let id = btf.firstId; id < btf.length; id++) {
    if (!resolution.resolve(id, 1, "undecided")) return id;
  }
  return undefined;
}

class Resolution {
  readonly #btf: Btf;
  readonly #resolved: Uint8Array;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#resolved = new Uint8Array(btf.length - btf.firstId);
  }

  /** False where the stack ends before the types do. */
  resolve(id: TypeId, depth: number, mode: Mode): boolean {
    if (this.#isResolved(id)) return true;
    if (depth > MAX_DEPTH) return false;
    const type = this.#btf.type(id);
    const inner =
      mode !== "undecided" ? mode : type.kind === "ptr" ? "pointer" : isContainer(type) ? "container" : mode;
    for (const next of this.#waitsFor(type)) {
      if (!isSink(this.#btf.type(next), inner) && !this.resolve(next, depth + 1, inner)) return false;
    }
    this.#resolved[id - this.#btf.firstId] = 1;
    return true;
  }

  #isResolved(id: TypeId): boolean {
    return id < this.#btf.firstId || this.#resolved[id - this.#btf.firstId] === 1;
  }

  #waitsFor(type: BtfType): readonly TypeId[] {
    switch (type.kind) {
      case "func":
      case "func_proto":
        return [];
      case "ptr":
      case "var": {
        // A qualifier that was resolved for a struct's sake stopped at the pointer behind it, which is still to do.
        const behind = resolve(this.#btf, type.type);
        return this.#btf.kind(behind) === "ptr" ? [type.type, behind] : [type.type];
      }
      case "array":
        return [type.indexType, type.type];
      default:
        return typeIdsOf(type);
    }
  }
}

function isContainer(type: BtfType): boolean {
  return type.kind === "struct" || type.kind === "union" || type.kind === "array";
}

/** Types at which a walk of this mode stops. */
function isSink(type: BtfType, mode: Mode): boolean {
  const modifier = isModifier(type);
  if (mode === "pointer") return !modifier && type.kind !== "ptr";
  if (mode === "container") return !modifier && !isContainer(type);
  return !(
    modifier ||
    type.kind === "ptr" ||
    isContainer(type) ||
    ["var", "func", "decl_tag", "datasec"].includes(type.kind)
  );
}
