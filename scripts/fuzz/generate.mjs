// Random programs that get past the first instruction: pieces of what compilers make (packet parsing, map lookups,
// spills, branches, loops, calls, callbacks), put together at random, with a mistake now and then.
import { rulesOfProgramType } from "../../packages/core/dist/abi/index.js";
import { Builder } from "./builder.mjs";
import { anyHelper, callbackCall, functionCall, ringBuffer, spinLock, tailCall, useArgument } from "./calls.mjs";
import { branch, end, loop } from "./control.mjs";
import { functionType } from "./environment.mjs";
import { encode, insn, movReg, R6, R7 } from "./instructions.mjs";
import { mapValue, spillOrFill, variableStack } from "./memory.mjs";
import { contextAccess, legacyLoad, packetAccess } from "./packets.mjs";
import { edges, randomFrom } from "./random.mjs";
import { arithmetic, newScalar } from "./scalars.mjs";

const skb = { data: 76, end: 80, meta: 140 };
const types = [
  { weight: 6, type: "xdp", packet: { data: 0, end: 4, meta: 8, writable: true } },
  { weight: 6, type: "sched_cls", packet: { ...skb, writable: true }, legacy: true },
  { weight: 3, type: "socket_filter", legacy: true },
  {
    weight: 2,
    type: "cgroup_skb",
    attach: ["cgroup_inet_ingress", "cgroup_inet_egress"],
    packet: { data: 76, end: 80 },
    legacy: false,
  },
  { weight: 1, type: "lwt_xmit", packet: { data: 76, end: 80, writable: true } },
  { weight: 1, type: "lwt_in", packet: { data: 76, end: 80 } },
  { weight: 1, type: "sk_skb", packet: { data: 76, end: 80, writable: true } },
  { weight: 1, type: "flow_dissector", packet: { data: 76, end: 80 } },
  { weight: 1, type: "sched_act", packet: { ...skb, writable: true }, legacy: true },
  { weight: 1, type: "kprobe" },
  { weight: 1, type: "tracepoint" },
  { weight: 1, type: "perf_event" },
  { weight: 1, type: "raw_tracepoint" },
  { weight: 1, type: "raw_tracepoint_writable" },
  { weight: 1, type: "sock_ops", attach: ["cgroup_sock_ops"] },
  {
    weight: 1,
    type: "cgroup_sock",
    attach: ["cgroup_inet_sock_create", "cgroup_inet4_post_bind", "cgroup_inet6_post_bind", "cgroup_inet_sock_release"],
  },
  {
    weight: 1,
    type: "cgroup_sock_addr",
    attach: [
      "cgroup_inet4_connect",
      "cgroup_inet6_connect",
      "cgroup_inet4_bind",
      "cgroup_udp4_sendmsg",
      "cgroup_udp6_recvmsg",
      "cgroup_inet4_getpeername",
      "cgroup_unix_connect",
    ],
  },
  { weight: 1, type: "cgroup_device", attach: ["cgroup_device"] },
  { weight: 1, type: "cgroup_sysctl", attach: ["cgroup_sysctl"] },
  { weight: 1, type: "cgroup_sockopt", attach: ["cgroup_getsockopt", "cgroup_setsockopt"] },
  { weight: 1, type: "sk_reuseport", attach: ["sk_reuseport_select", "sk_reuseport_select_or_migrate"] },
  { weight: 1, type: "sk_lookup", attach: ["sk_lookup"] },
  { weight: 1, type: "sk_msg", attach: ["sk_msg_verdict"] },
];

/** What the grammar knows of a program type, from the verifier's own tables and without their rules of access. */
function describeType(random, { only, helpers }) {
  const chosen = types.filter(({ type }) => only?.includes(type) ?? true);
  const choice = random.weighted(chosen.map((entry) => [entry.weight, entry]));
  const rules = rulesOfProgramType(choice.type);
  const attachType = choice.attach === undefined ? undefined : random.pick(choice.attach);
  const fields = (rules.context?.fields ?? []).flatMap(({ offset, size, count = 1, pointer, read, write }) => {
    if (pointer !== undefined) return [];
    return Array.from({ length: Math.min(count, 24) }, (_, i) => ({
      offset: offset + i * size,
      size,
      narrow: read !== "exact",
      read: read !== undefined,
      write: write !== undefined,
    }));
  });
  const context = rules.context?.struct;
  return {
    type: choice.type,
    attachType,
    packet: choice.packet,
    legacy: choice.legacy,
    typedMaps: rules.tracing !== true && choice.type !== "socket_filter",
    contextSize: Math.min(rules.context?.size ?? 8, 256),
    readable: fields.filter(({ read, size }) => read && size <= 8),
    writable: fields.filter(({ write, size }) => write && size <= 8),
    mayCall: (name) => helpers?.has(name) ?? true,
    helpers: rules.helpers.map(({ helper }) => helper),
    globalContext: functionType(`global_${context}`) === undefined ? undefined : `global_${context}`,
  };
}

const pieces = [
  [20, (b) => newScalar(b)],
  [26, (b) => arithmetic(b)],
  [13, (b, depth) => (depth < 4 ? branch(b, depth, block) : arithmetic(b))],
  [10, (b) => spillOrFill(b)],
  [7, (b) => (b.locked ? arithmetic(b) : mapValue(b))],
  [6, (b) => packetAccess(b)],
  [3, (b, depth) => (depth < 2 ? loop(b, depth, block) : arithmetic(b))],
  [4, (b) => (b.locked ? arithmetic(b) : functionCall(b))],
  [2, (b) => (b.locked ? arithmetic(b) : callbackCall(b))],
  [3, (b) => variableStack(b)],
  [7, (b) => (b.locked && !b.mistake(5) ? arithmetic(b) : anyHelper(b))],
  [4, (b) => contextAccess(b)],
  [2, (b) => (b.locked ? arithmetic(b) : ringBuffer(b))],
  [2, (b) => spinLock(b)],
  [1, (b) => (b.locked ? arithmetic(b) : legacyLoad(b))],
  [1, (b) => (b.locked ? arithmetic(b) : tailCall(b))],
];

function block(b, length, depth) {
  for (let i = 0; i < length && b.length < 260; i++) b.random.weighted(pieces)(b, depth);
}

/**
 * One random program: what bpf(2) would get, for both verifiers. `only` names the program types to choose from, `helpers`
 * is a set of the helpers' names.
 */
export function generateProgram(seed, choices = {}) {
  const random = randomFrom(seed);
  const program = describeType(random, choices);
  program.hasTypes = random.chance(0.6);
  const functions = new Map();
  program.snippet = (b) => random.weighted(pieces)(b, 3);
  program.ask = (b, { name, index, each }, passed) => {
    const key = `${name} ${index}`;
    if (!functions.has(key)) functions.set(key, { key, name, each, passed: [...passed], depth: b.depth + 1 });
    return key;
  };
  const bodies = [{ key: "main 0", name: "main", b: generateMain(random, program) }];
  for (const wanted of functions.values()) {
    bodies.push({ ...wanted, b: generateFunction(random, program, wanted) });
  }
  return assemble(random, program, bodies);
}

function generateMain(random, program) {
  const b = new Builder(random, program);
  b.depth = 0;
  const limits = rulesOfProgramType(program.type).returns.length > 0;
  b.returns = limits ? "small" : "any";
  b.push(movReg(R6, 1));
  b.set(1, { kind: "ctx" });
  b.set(R6, { kind: "ctx" });
  block(b, 3 + random.below(random.chance(0.2) ? 30 : 14), 0);
  end(b);
  return b;
}

const parameters = {
  global_scalars: ["scalar", "scalar", "scalar"],
  global_memory: ["maybe 16", "maybe 4", "scalar"],
  global_nonnull: ["pointer 16", "scalar"],
  global_void: ["scalar"],
};

function generateFunction(random, program, { name, each, passed, depth }) {
  const b = new Builder(random, program, { name });
  b.depth = depth;
  const scalar = { kind: "scalar" };
  if (name === "callback") {
    b.returns = "small";
    if (each) {
      b.set(2, { kind: "pointer", size: 4 });
      b.set(3, { kind: "pointer", size: 8 });
    } else b.set(1, scalar);
  } else if (name === "sub") {
    passed.forEach((what, register) => {
      if (what?.kind === "stack")
        b.set(register, what.offset < 0 ? { kind: "pointer", size: Math.min(-what.offset, 16) } : undefined);
      else if (what?.reference === undefined) b.set(register, what);
    });
    const [context] = b.all("ctx");
    if (context !== undefined) {
      b.push(movReg(R6, context));
      b.set(R6, { kind: "ctx" });
    }
  } else if (parameters[name] !== undefined) {
    parameters[name].forEach((kind, index) => {
      if (kind === "scalar") b.set(index + 1, scalar);
      else if (kind.startsWith("pointer")) b.set(index + 1, { kind: "pointer", size: Number(kind.split(" ")[1]) });
      else nullable(b, index + 1, Number(kind.split(" ")[1]));
    });
  } else {
    b.push(movReg(R6, 1));
    b.set(R6, { kind: "ctx" });
    b.set(2, scalar);
  }
  for (const register of [1, 2, 3])
    if (random.chance(0.7) && b.registers[register] !== undefined) useArgument(b, register);
  if (b.registers[1] !== undefined && random.chance(0.4)) {
    b.push(movReg(R7, 1));
    b.set(R7, b.registers[1]);
  }
  block(b, 1 + random.below(6), 1);
  end(b);
  return b;
}

function nullable(b, register, size) {
  if (b.mistake(5)) {
    b.set(register, { kind: "pointer", size });
    return;
  }
  b.push(insn(0x55, register, 0, 2, 0), insn(0xb7, 0, 0, 0, 0), insn(0x95));
  b.set(register, { kind: "pointer", size });
}

function assemble(random, program, bodies) {
  const starts = new Map();
  const code = [];
  const functions = [];
  for (const { key, name, b } of bodies) {
    starts.set(key, code.length);
    functions.push({ slot: code.length, typeId: functionType(name) });
    code.push(...b.code);
  }
  code.forEach((instruction, slot) => {
    if (instruction.target !== undefined) instruction.imm = starts.get(instruction.target) - slot - 1;
  });
  if (random.chance(0.12)) for (let i = 0; i <= random.below(3); i++) mutate(code, random);
  const flags = random.chance(0.25) ? random.pick([1, 2, 4, 8, 8, 8, 12, 9, 128]) : 0;
  return {
    type: program.type,
    attachType: program.attachType,
    flags: flags | (program.type === "xdp" && random.chance(0.1) ? 32 : 0),
    insns: encode(code),
    functions: program.hasTypes ? functions : undefined,
    license: random.chance(0.97) ? "GPL" : "Proprietary",
  };
}

/** Changes one field of one instruction. */
export function mutate(code, random) {
  const victim = random.pick(code);
  // A descriptor that happens to be open is a map to the kernel, and nothing to us.
  if (victim.opcode === 0x18 && victim.src !== 0) return;
  switch (random.below(8)) {
    case 0:
      victim.dst = random.below(11);
      break;
    case 1:
      victim.src = random.below(11);
      break;
    case 2:
      victim.offset = (victim.offset + random.below(9) - 4) | 0;
      break;
    case 3:
      victim.imm = random.pick(edges);
      break;
    case 4:
      victim.imm = (victim.imm + random.pick([1, -1, 8, -8])) | 0;
      break;
    case 5:
      victim.offset = random.pick([-1, 1]) * random.below(64);
      break;
    case 6: {
      const other = random.pick(code);
      Object.assign(victim, { ...other });
      break;
    }
    default:
      victim.opcode ^= 1 << random.below(8);
  }
}
