import { helperPrototypes, mapHelperRules, mapTypeName } from "../../packages/core/dist/abi/index.js";
import { mapFd, mapKinds } from "./environment.mjs";
import { addImm, FP, insn, lddw, load, mov, movReg, R0, R6, R7, R8, R9, store } from "./instructions.mjs";
import { access, key, notNull, shift } from "./memory.mjs";
import { bounded } from "./scalars.mjs";

const scalar = { kind: "scalar" };
const PSEUDO_FUNC = 4;
const HELPER = {
  lock: 93,
  unlock: 94,
  reserve: 131,
  submit: 132,
  discard: 133,
  tailCall: 12,
  skRelease: 86,
  forEach: 164,
  loop: 181,
};

const byName = new Map(helperPrototypes.filter(({ variant }) => variant === undefined).map((p) => [p.name, p]));

/** Map names by helper name, where a helper takes only some. */
const mapsOfHelper = new Map();
for (const { map, helpers } of mapHelperRules) {
  for (const helper of helpers) {
    const fitting = Object.keys(mapKinds).filter((name) => mapTypeName(mapKinds[name].type) === map);
    mapsOfHelper.set(helper, [...(mapsOfHelper.get(helper) ?? []), ...fitting]);
  }
}
const plainMaps = ["array", "hash", "percpuArray", "percpuHash", "lru", "lpm"];

/** Any helper that the program type has, its arguments by its prototype. */
export function anyHelper(b) {
  const { random, program } = b;
  const grant = random.pick(program.helpers);
  const prototype = b.mistake(2) ? random.pick([...byName.values()]) : byName.get(grant);
  if (prototype === undefined || special.has(prototype.name) || !program.mayCall(prototype.name)) return;
  const inner = { map: undefined, size: undefined };
  const saved = b.length;
  for (let i = 0; i < prototype.args.length; i++) {
    if (!argument(b, prototype, i, i + 1, inner)) {
      b.code.length = saved;
      b.forget(1, 2, 3, 4, 5);
      return;
    }
    b.set(i + 1, { kind: "busy" });
  }
  const { kind, nullable } = prototype.returns;
  if (kind === "integer") b.call(prototype.id, scalar);
  else {
    b.call(prototype.id, undefined);
    if (kind === "void") return;
    if ((kind === "socket" || kind === "sock_common" || kind === "tcp_sock") && nullable) socketResult(b, prototype);
    else if (kind === "map_value") {
      const size = mapKinds[inner.map]?.valueSize ?? 0;
      if (nullable) notNull(b, R0, () => access(b, R0, 0, size, { write: false }));
      b.forget(R0);
    }
  }
}

/** Helpers that have a snippet of their own, or end the program, or need what is not there. */
const special = new Set([
  ...["tail_call", "spin_lock", "spin_unlock", "ringbuf_reserve", "ringbuf_submit", "ringbuf_discard", "sk_release"],
  ...["timer_init", "timer_set_callback", "timer_start", "timer_cancel", "loop", "for_each_map_elem", "find_vma"],
  ...["trace_printk", "override_return", "send_signal", "send_signal_thread"],
]);

function argument(b, prototype, index, register, inner) {
  const { random } = b;
  const { kind, nullable, fixedSize, uninitialized } = prototype.args[index];
  const put = (...insns) => {
    b.push(...insns);
    return true;
  };
  if (b.mistake()) return put(movReg(register, random.below(11)));
  switch (kind) {
    case "const_map_ptr": {
      const names = mapsOfHelper.get(prototype.name) ?? plainMaps;
      if (names.length === 0) return false;
      inner.map = b.mistake(4)
        ? random.pick(Object.keys(mapKinds))
        : random.pick(random.chance(0.5) ? names : [...names, ...plainMaps.filter((name) => names.includes(name))]);
      return put(lddw(register, 1, mapFd[inner.map]));
    }
    case "map_key":
      return memory(b, register, mapKinds[inner.map]?.keySize ?? 4);
    case "map_value":
      return memory(b, register, mapKinds[inner.map]?.valueSize || 8, { initialized: uninitialized !== true });
    case "mem": {
      if (nullable && random.chance(0.2)) {
        inner.size = 0;
        return put(mov(register, 0));
      }
      const size = fixedSize ?? random.pick([1, 2, 4, 8, 12, 16, 20, 24, 32, 40, 64]);
      inner.size = size;
      return memory(b, register, size, { initialized: uninitialized !== true });
    }
    case "const_size":
    case "const_size_or_zero": {
      const size = inner.size ?? 8;
      if (random.chance(0.6) || size < 2) return put(mov(register, b.mistake(5) ? size + 1 : size));
      const most = [1, 3, 7, 15, 31, 63].filter((m) => m < size).at(-1) ?? 1;
      const from = bounded(b, most);
      b.push(movReg(register, from));
      if (kind === "const_size" && random.chance(0.9)) b.push(addImm(register, 1));
      return true;
    }
    case "anything":
    case "scalar":
      if (random.chance(0.5)) return put(mov(register, random.chance(0.7) ? random.below(4) : b.imm()));
      if (random.chance(0.1) && b.registers[R7] !== undefined && kind === "anything") return put(movReg(register, R7));
      return put(movReg(register, b.scalar()));
    case "ctx":
      if (b.registers[R6]?.kind !== "ctx") return false;
      return put(movReg(register, R6));
    case "alloc_size_or_zero":
      return put(mov(register, random.below(64)));
    case "stack":
      if (nullable && random.chance(0.4)) return put(mov(register, 0));
      return memory(b, register, 16, { stackOnly: true });
    case "btf_id_sock_common":
    case "sock_common": {
      const [socket] = b.all("sock");
      if (socket === undefined) return false;
      return put(movReg(register, socket));
    }
    case "const_str":
      return put(lddw(register, 2, mapFd.constants, random.below(8)));
    default:
      return false;
  }
}

/** A pointer to so many bytes: stack, map value or packet. */
function memory(b, register, size, { initialized = true, stackOnly = false } = {}) {
  const { random } = b;
  const values = b.all("value").filter((value) => b.registers[value].size >= size && !(value < register));
  if (!stackOnly && values.length > 0 && random.chance(0.5)) {
    b.push(movReg(register, random.pick(values)));
    return true;
  }
  if (!stackOnly && size <= 32 && random.chance(0.15)) {
    b.push(lddw(register, 2, mapFd.single, random.below(64 - size + 1)));
    return true;
  }
  const offset = b.stackArea(size, { initialized: initialized || random.chance(0.3) });
  b.stackPointer(register, offset);
  if (!initialized) for (let at = offset; at < offset + size; at += 8) b.slots.delete(at);
  return true;
}

let nextReference = 1;

function socketResult(b, prototype) {
  const { random } = b;
  const acquires = /lookup/.test(prototype.name);
  const register = random.pick([R7, R8, R9]);
  if (b.registers[register]?.reference !== undefined) return;
  b.push(movReg(register, R0));
  const at = b.length;
  b.push(insn(0x15, R0, 0, 0, 0));
  b.forget(R0);
  const before = b.snapshot();
  before.registers[register] = undefined;
  const id = nextReference++;
  b.set(register, { kind: "sock", ...(acquires ? { reference: id } : {}) });
  const reference = { register, helper: HELPER.skRelease, id };
  if (acquires) b.references.push(reference);
  for (let i = 0; i < random.below(3); i++) {
    const dst = b.targetBut(register);
    b.push(load(4, dst, register, random.pick([0, 4, 8, 12, 20, 24, 28, 44, 72])));
    b.set(dst, scalar);
  }
  if (random.chance(0.3)) b.program.snippet(b);
  if (acquires && b.references.includes(reference) && !b.mistake(5)) b.release(reference);
  b.code[at].offset = b.length - at - 1;
  b.meet(before);
  b.references = before.references;
}

/** Room in a ring buffer: reserved, written, given back. */
export function ringBuffer(b) {
  const { random } = b;
  if (!b.program.helpers.includes("ringbuf_reserve") || b.references.length > 1) return;
  const size = random.pick([4, 8, 16, 24, 40]);
  b.push(lddw(1, 1, mapFd.ring), mov(2, size), mov(3, b.mistake(3) ? 1 : 0));
  b.call(HELPER.reserve, undefined);
  const register = random.pick([R7, R8, R9, R7, R8]);
  if (b.registers[register]?.reference !== undefined) return;
  b.push(movReg(register, R0));
  const at = b.length;
  b.push(insn(0x15, random.chance(0.5) ? R0 : register, 0, 0, 0));
  b.forget(R0);
  const before = b.snapshot();
  before.registers[register] = undefined;
  const id = nextReference++;
  b.set(register, { kind: "mem", size, reference: id });
  const reference = { register, helper: random.pick([HELPER.submit, HELPER.discard]), extra: true, id };
  b.references.push(reference);
  for (let i = 0; i < 1 + random.below(2); i++) access(b, register, 0, size);
  if (random.chance(0.3)) b.program.snippet(b);
  if (random.chance(0.1)) b.push(store(8, FP, register, -8), load(8, register, FP, -8));
  if (random.chance(0.1)) b.push(addImm(register, b.mistake(5) ? 8 : 0));
  if (b.references.includes(reference) && !b.mistake(5)) b.release(reference);
  b.code[at].offset = b.length - at - 1;
  b.meet(before);
  b.references = before.references;
}

/** bpf_spin_lock around work on the value that it guards. */
export function spinLock(b) {
  const { random, program } = b;
  if (!program.typedMaps || b.references.length > 0 || b.locked) return;
  const name = random.pick(["locked", "lockedArray"]);
  key(b, 4);
  b.push(lddw(1, 1, mapFd[name]));
  b.call(1, undefined);
  notNull(b, R0, () => {
    const register = random.pick([R7, R8, R9]);
    if (b.registers[register]?.reference !== undefined) return;
    b.push(movReg(register, R0), movReg(1, R0), addImm(1, b.mistake(4) ? 0 : 4));
    b.call(HELPER.lock, undefined);
    b.set(register, { kind: "value", size: 24, name });
    b.locked = true;
    for (let i = 0; i < random.below(4); i++) {
      if (b.registers[register] === undefined) break;
      access(b, register, b.mistake(5) ? 0 : 8, 16);
    }
    if (b.mistake(5)) b.program.snippet(b);
    b.locked = false;
    b.push(movReg(1, b.registers[register] === undefined ? R0 : register), addImm(1, 4));
    if (!b.mistake(5)) b.call(HELPER.unlock, undefined);
    b.forget(register, R0);
  });
}

export function tailCall(b) {
  const { random } = b;
  if (b.registers[R6]?.kind !== "ctx" || (b.references.length > 0 && !b.mistake(5))) return;
  b.push(movReg(1, R6), lddw(2, 1, mapFd.programs));
  if (random.chance(0.7)) b.push(mov(3, random.below(5)));
  else b.push(movReg(3, b.scalar()));
  b.call(HELPER.tailCall, random.chance(0.98) ? undefined : scalar);
}

/** Asks for a function of the program; the arguments are random, or what its types want. */
export function functionCall(b) {
  const { random, program } = b;
  if (b.depth >= 3) return;
  const wanted = random.weighted([
    [6, { name: "sub", index: random.below(2) }],
    [1, { name: "global_scalars", index: 0 }],
    [1, { name: "global_memory", index: 0 }],
    [0.5, { name: "global_nonnull", index: 0 }],
    [0.5, { name: "global_void", index: 0 }],
    [1, { name: program.globalContext ?? "global_scalars", index: 0 }],
  ]);
  if (wanted.name !== "sub" && !program.hasTypes) return;
  const passed = [];
  const give = (register, what) => {
    passed[register] = what;
    b.set(register, { kind: "busy" });
  };
  if (wanted.name === "global_memory" || wanted.name === "global_nonnull") {
    if (wanted.name === "global_memory" && random.chance(0.2)) b.push(mov(1, 0));
    else memory(b, 1, 16);
    give(1);
    if (wanted.name === "global_memory") memory(b, 2, 4);
    else b.push(mov(2, b.imm()));
    give(2);
    b.push(mov(3, b.imm()));
  } else if (wanted.name.startsWith("global_") && wanted.name !== "global_scalars" && wanted.name !== "global_void") {
    if (b.registers[R6]?.kind !== "ctx") return;
    b.push(movReg(1, R6), mov(2, b.imm()));
  } else {
    for (let i = 1; i <= 3; i++) {
      const live = b.registers.flatMap((what, r) =>
        what === undefined || what.kind === "busy" || (r >= 1 && r < i) || r === FP ? [] : [r],
      );
      const form = random.below(10);
      if (wanted.name === "sub" && form < 3 && live.length > 0) {
        const src = random.pick(live);
        b.push(movReg(i, src));
        give(i, b.registers[src]);
      } else if (wanted.name === "sub" && form === 3) {
        memory(b, i, 16, { stackOnly: true });
        give(i, b.registers[i]);
      } else {
        if (random.chance(0.5)) b.push(mov(i, b.imm()));
        else b.push(movReg(i, b.scalar()));
        give(i, scalar);
      }
    }
  }
  const target = program.ask(b, wanted, passed);
  b.push({ ...insn(0x85, 0, 1), target });
  b.afterCall(wanted.name === "global_void" ? undefined : scalar);
  // What the function may have written over its pointers.
  b.slots.clear();
}

/** bpf_loop and bpf_for_each_map_elem with a callback. */
export function callbackCall(b) {
  const { random, program } = b;
  if (b.depth >= 2 || !program.hasTypes || b.references.length > 0) return;
  const each = random.chance(0.4);
  if (!program.helpers.includes(each ? "for_each_map_elem" : "loop")) return;
  const target = program.ask(b, { name: "callback", index: random.below(2), each }, []);
  const context = random.chance(0.6) ? b.stackArea(16) : undefined;
  if (each) b.push(lddw(1, 1, mapFd[random.pick(["array", "hash", "percpuArray", "lru"])]));
  else if (random.chance(0.7)) b.push(mov(1, random.below(10)));
  else b.push(movReg(1, b.scalar()));
  b.set(1, { kind: "busy" });
  b.push({ ...insn(0x18, 2, PSEUDO_FUNC), target }, insn(0));
  b.set(2, { kind: "busy" });
  if (context === undefined) b.push(mov(3, 0));
  else b.stackPointer(3, context);
  b.push(mov(4, b.mistake(5) ? 1 : 0));
  b.call(each ? HELPER.forEach : HELPER.loop, scalar);
  b.slots.clear();
}

/** Memory that an argument of a function points at, used inside the function. */
export function useArgument(b, register) {
  const what = b.registers[register];
  if (what?.kind === "value") access(b, register, 0, what.size);
  else if (what?.kind === "pointer") {
    const left = shift(b, register, what.size);
    access(b, register, 0, left);
    if (left !== what.size) b.forget(register);
  } else if (what?.kind === "stack" && what.offset < 0) access(b, register, 0, 8);
}
