import { BPF_EXIST, BPF_NOEXIST, E2BIG, EINVAL, ENOENT } from "../../abi/index.js";
import { mapHeader } from "../layout.js";
import { entryAt } from "./array.js";
import type { Expression, Variable } from "./expression.js";
import { copyBytes } from "./key.js";
import { defineProcedure, type Procedure } from "./procedure.js";
import type { CoreScope } from "./scope.js";

// Queues and stacks are a ring of MAX_ENTRIES + 1 entries, so that full and empty differ.

function stepForward(p: Procedure, map: Expression, index: Variable): void {
  p.if(
    index.eq(map.u32(mapHeader.MAX_ENTRIES)),
    () => p.set(index, 0),
    () => p.add(index, 1),
  );
}

export function defineQueues({ module }: CoreScope) {
  /** `(map, value, flags)`: with BPF_EXIST a full map drops its oldest entry. */
  const push = defineProcedure(module, "queue_push", ["map", "value", "flags"], (p) => {
    const { map, value, flags } = p.params;
    p.if(flags.gt(BPF_EXIST).or(flags.eq(BPF_NOEXIST)), () => p.return(-EINVAL));
    const at = p.let("at", map.u32(mapHeader.HEAD));
    const next = p.let("next", at);
    stepForward(p, map, next);
    const tail = p.let("tail", map.u32(mapHeader.TAIL));
    p.if(next.eq(tail), () => {
      p.if(flags.ne(BPF_EXIST), () => p.return(-E2BIG));
      stepForward(p, map, tail);
      p.store32(map, mapHeader.TAIL, tail);
    });
    copyBytes(p, p.let("entry", entryAt(map, at)), value, p.let("size", map.u32(mapHeader.VALUE_SIZE)));
    p.store32(map, mapHeader.HEAD, next);
    p.return(0);
  });
  return {
    push,
    queueRead: defineRead(module, "queue_read", "TAIL"),
    stackRead: defineRead(module, "stack_read", "HEAD"),
  };
}

/** `(map, value, remove)`: copies the oldest or newest entry out; an empty map zeroes `value`. */
function defineRead(module: CoreScope["module"], name: string, end: "HEAD" | "TAIL") {
  return defineProcedure(module, name, ["map", "value", "remove"], (p) => {
    const { map, value, remove } = p.params;
    const size = p.let("size", map.u32(mapHeader.VALUE_SIZE));
    p.if(map.u32(mapHeader.HEAD).eq(map.u32(mapHeader.TAIL)), () => {
      p.zero(value, size);
      p.return(-ENOENT);
    });
    const at = p.let("at", map.u32(mapHeader[end]));
    const rest = p.let("rest", at);
    if (end === "TAIL") stepForward(p, map, rest);
    else {
      p.if(at.isZero(), () => p.set(at, map.u32(mapHeader.MAX_ENTRIES).add(1)));
      p.add(at, -1);
      p.set(rest, at);
    }
    copyBytes(p, value, p.let("entry", entryAt(map, at)), size);
    p.if(remove, () => p.store32(map, mapHeader[end], rest));
    p.return(0);
  });
}
