import { mapTypeName } from "../abi/index.js";
import type { Analysis } from "./analysis.js";
import { ID, isConstant, MAP_UID, OBJECT, OFF, REF, SMAX, SMIN, TYPE, VALUE } from "./domain/register.js";
import { forEachRegister } from "./linked-scalars.js";
import { fieldsOf, findField } from "./map-fields.js";
import {
  ALLOCATED,
  BTF_ID,
  KIND,
  MAP_KEY,
  MAP_PTR,
  MAP_VALUE,
  MAYBE_NULL,
  MEM,
  NON_OWNING,
  RCU,
  SCALAR,
  SOCK_COMMON,
  SOCKET,
  TCP_SOCK,
  TRUSTED,
  UNTRUSTED,
  XDP_SOCK,
} from "./pointer-types.js";
import { withoutReference } from "./references.js";
import type { State } from "./state.js";

/** Flags that make a typed pointer one that may be anything. */
const UNSAFE = ~(KIND | TRUSTED | ALLOCATED | RCU);

/** Is the pointer valid by what the kernel promises, so that it can be passed on? */
export function isTrusted(r: Int32Array, at: number): boolean {
  if (r[at + REF] !== 0) return true;
  const type = r[at + TYPE]!;
  const kind = type & KIND;
  const alwaysValid = kind === SOCKET || kind === SOCK_COMMON || kind === TCP_SOCK || kind === MAP_PTR;
  if (alwaysValid && (type & UNSAFE) === 0) return true;
  return (type & (TRUSTED | ALLOCATED)) !== 0 && (type & UNSAFE & ~NON_OWNING) === 0;
}

/** Can't the pointer be null? */
export function isNotNull(r: Int32Array, at: number): boolean {
  const type = r[at + TYPE]!;
  if ((type & MAYBE_NULL) !== 0) return false;
  switch (type & KIND) {
    case SOCKET:
    case TCP_SOCK:
    case SOCK_COMMON:
    case MAP_VALUE:
    case MAP_KEY:
    case MAP_PTR:
      return true;
    case BTF_ID:
      // What is only valid within an RCU section counts for passing on, not for this: bpf_per_cpu_ptr() may give null.
      return isTrusted(r, at) && (r[at + REF] !== 0 || (type & RCU) === 0);
    case MEM:
      return (type & UNTRUSTED) === 0;
    default:
      return false;
  }
}

/** A pointer that turned out not to be null; what a lookup in a map of maps or sockets found becomes what it is. */
export function setNotNull(analysis: Analysis, r: Int32Array, at: number): void {
  const type = r[at + TYPE]!;
  if ((type & KIND) !== MAP_VALUE) {
    r[at + TYPE] = type & ~MAYBE_NULL;
    return;
  }
  const map = analysis.mapOf(r[at + OBJECT]!);
  const name = mapTypeName(map.type);
  if (map.inner !== undefined) {
    r[at + TYPE] = MAP_PTR;
    r[at + OBJECT] = analysis.innerMapObject(map);
    const needsIdentity = fieldsOf(analysis, map.inner).some(
      (field) => field.kind === "timer" || field.kind === "workqueue" || field.kind === "task_work",
    );
    if (needsIdentity) r[at + MAP_UID] = r[at + ID]!;
  } else if (name === "xskmap") r[at + TYPE] = XDP_SOCK;
  else if (name === "sockmap" || name === "sockhash") r[at + TYPE] = SOCKET;
  else r[at + TYPE] = MAP_VALUE;
}

/** A null check of one pointer says the same of all that came from the same call. */
export function settleNullness(analysis: Analysis, state: State, at: number, isNull: boolean): void {
  const { records } = state.frame;
  const id = records[at + ID]!;
  const reference = records[at + REF]!;
  if (reference !== 0 && reference === id && isNull) {
    state.references = withoutReference(state.references, id);
  }
  forEachRegister(state, (r, i) => settleOne(analysis, r, i, id, isNull));
}

function settleOne(analysis: Analysis, r: Int32Array, at: number, id: number, isNull: boolean): void {
  const type = r[at + TYPE]!;
  if ((type & MAYBE_NULL) === 0 || r[at + ID] !== id) return;
  if (!isConstant(r, at) || (r[at + VALUE]! | r[at + VALUE + 1]!) !== 0) return;
  if ((r[at + SMIN]! | r[at + SMIN + 1]! | r[at + SMAX]! | r[at + SMAX + 1]!) !== 0) return;
  if ((type & (ALLOCATED | NON_OWNING)) === 0 && r[at + OFF] !== 0) return;
  if (isNull) {
    r[at + TYPE] = SCALAR;
    r[at + ID] = 0;
    r[at + REF] = 0;
    return;
  }
  setNotNull(analysis, r, at);
  // Two lookups of one map's values have locks of their own: the id tells them apart.
  const newType = r[at + TYPE]!;
  const hasLock =
    newType === MAP_VALUE && findField(analysis, analysis.mapOf(r[at + OBJECT]!), "spin_lock") !== undefined;
  if (!hasLock) r[at + ID] = 0;
}
