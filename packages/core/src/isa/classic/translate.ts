import { BpfError, NotSupportedError } from "../../base/index.js";
import {
  alu32,
  byteSwap,
  call,
  exit,
  goto,
  jump,
  ldx,
  loadPacket,
  mov32,
  mov64,
  neg,
  type Register,
  r0,
  r1,
  r6,
  r7,
  r8,
  r10,
  store,
} from "../build.js";
import type { Comparison } from "../form.js";
import type { Instruction } from "../instruction.js";
import { type AncillaryLoad, ancillaryLoad } from "./ancillary.js";
import { checkClassic } from "./check.js";
import { type ClassicForm, classicForms } from "./form.js";
import { CLASSIC_MEMORY_WORDS, type ClassicInstruction } from "./instruction.js";

// The registers of the translation. Packet loads put their result in r0 and want the context in r6; r7 to r9 outlive
// them. The upper halves of A and X stay 0.
const A = r0;
const X = r7;
const CONTEXT = r6;
const SCRATCH = r8;

/** Offsets in `struct __sk_buff`, in bytes. */
const SKB = {
  len: 0,
  pkt_type: 4,
  mark: 8,
  queue_mapping: 12,
  protocol: 16,
  vlan_present: 20,
  vlan_tci: 24,
  vlan_proto: 28,
  ifindex: 40,
  hash: 68,
} as const;

const HELPER_GET_PRANDOM_U32 = 7;
const HELPER_GET_SMP_PROCESSOR_ID = 8;

/** An instruction, or a jump to where a classic instruction's translation starts. */
type Piece = Instruction | { readonly to: number; readonly make: (distance: number) => Instruction };

/**
 * Translates a classic program to an eBPF program of type socket_filter (or sched_cls), which returns what the classic
 * one returns. Instructions that nothing leads to, which eBPF's verifier would refuse, are left out. The result needs
 * Linux 4.14.
 *
 * @throws BpfError `"CLASSIC_PROGRAM"` when {@link checkClassic} finds a problem.
 * @throws NotSupportedError for what programs of these types cannot ask: the device's hardware type, the payload's
 * offset, netlink attributes.
 */
export function translateClassic(program: readonly ClassicInstruction[]): Instruction[] {
  const problem = checkClassic(program);
  if (problem !== undefined) throw new BpfError("CLASSIC_PROGRAM", problem.message, { ...problem });
  const reachable = findReachable(program);
  const pieces: Piece[] = [mov64(CONTEXT, r1), mov32(A, 0), mov32(X, 0)];
  const starts = program.map((instruction, index) => {
    const start = pieces.length;
    if (reachable[index]) pieces.push(...translate(instruction, index));
    return start;
  });
  return pieces.map((piece, index) => ("make" in piece ? piece.make(starts[piece.to]! - (index + 1)) : piece));
}

/** All jumps lead forward, so one pass finds what can be reached. */
function findReachable(program: readonly ClassicInstruction[]): boolean[] {
  const reachable = new Array<boolean>(program.length).fill(false);
  reachable[0] = true;
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    if (!reachable[index]) continue;
    const { kind } = classicForms.get(code)!;
    if (kind === "return") continue;
    const skips = kind === "branch" ? [jt, jf] : kind === "goto" ? [k] : [0];
    for (const skip of skips) reachable[index + 1 + skip] = true;
  }
  return reachable;
}

function translate({ code, jt, jf, k }: ClassicInstruction, index: number): Piece[] {
  const form = classicForms.get(code)!;
  switch (form.kind) {
    case "load_packet": {
      const question = form.indirect ? undefined : ancillaryLoad(k);
      if (question !== undefined) return translateAncillary(question);
      return [loadPacket(typeOfSize(form.size), k, form.indirect ? X : undefined)];
    }
    case "load_length":
      return [ldx("u32", registerOf(form.to), CONTEXT, SKB.len)];
    case "load_constant":
      return [mov32(registerOf(form.to), k)];
    case "load_memory":
      return [ldx("u32", registerOf(form.to), r10, memoryOffset(k))];
    case "load_header_length":
      return [
        mov64(SCRATCH, A),
        loadPacket("u8", k),
        alu32("and", A, 0xf),
        alu32("lsh", A, 2),
        mov64(X, A),
        mov64(A, SCRATCH),
      ];
    case "store_memory":
      return [store("u32", r10, memoryOffset(k), registerOf(form.from))];
    case "alu":
      return translateAlu(form, k);
    case "neg":
      return [neg(A, 32)];
    case "goto":
      return k === 0 ? [] : [jumpTo(index + 1 + k)];
    case "branch":
      return translateBranch(form, { code, jt, jf, k }, index);
    case "transfer":
      return [mov32(registerOf(form.to), form.to === "a" ? X : A)];
    case "return":
      return form.value === "k" ? [mov32(A, k), exit()] : [exit()];
    default:
      return form satisfies never;
  }
}

const registerOf = (name: "a" | "x"): Register => (name === "a" ? A : X);
const memoryOffset = (word: number): number => 4 * (word - CLASSIC_MEMORY_WORDS);
const typeOfSize = (size: 1 | 2 | 4): "u8" | "u16" | "u32" => (size === 1 ? "u8" : size === 2 ? "u16" : "u32");
const jumpTo = (to: number): Piece => ({ to, make: goto });

function translateAlu(form: Extract<ClassicForm, { kind: "alu" }>, k: number): Piece[] {
  const { operation, operand } = form;
  if (operand === "k") return [alu32(operation, A, k)];
  const divides = operation === "div" || operation === "mod";
  // eBPF goes on after a division by zero, with 0; classic BPF returns 0.
  const guard = divides ? [jump("ne", X, 0, 2), mov32(A, 0), exit()] : [];
  return [...guard, alu32(operation, A, X)];
}

const comparisons = {
  jeq: { holds: "eq", fails: "ne" },
  jgt: { holds: "gt", fails: "le" },
  jge: { holds: "ge", fails: "lt" },
  jset: { holds: "set", fails: undefined },
} as const satisfies Record<string, { holds: Comparison; fails: Comparison | undefined }>;

function translateBranch(
  form: Extract<ClassicForm, { kind: "branch" }>,
  { jt, jf, k }: ClassicInstruction,
  index: number,
): Piece[] {
  const whenTrue = index + 1 + jt;
  const whenFalse = index + 1 + jf;
  if (jt === jf) return jt === 0 ? [] : [jumpTo(whenTrue)];
  // 64-bit comparisons sign-extend their constant, and A has no sign: a large k needs a register.
  const large = form.operand === "k" && k > 0x7fffffff;
  const prepare = large ? [mov32(SCRATCH, k)] : [];
  const operand = form.operand === "x" ? X : large ? SCRATCH : k;
  const { holds, fails } = comparisons[form.comparison];
  const branch = (comparison: Comparison, to: number): Piece => ({
    to,
    make: (distance) => jump(comparison, A, operand, distance),
  });
  if (jf === 0) return [...prepare, branch(holds, whenTrue)];
  if (jt === 0 && fails !== undefined) return [...prepare, branch(fails, whenFalse)];
  return [...prepare, branch(holds, whenTrue), jumpTo(whenFalse)];
}

function translateAncillary(question: AncillaryLoad): Piece[] {
  const field = (name: keyof typeof SKB): Instruction => ldx("u32", A, CONTEXT, SKB[name]);
  switch (question) {
    case "protocol":
      return [field("protocol"), byteSwap("be", 16, A)];
    case "packet_type":
      return [field("pkt_type")];
    case "ifindex":
      // A packet without a device ends the program, with 0.
      return [field("ifindex"), jump("ne", A, 0, 1), exit()];
    case "mark":
      return [field("mark")];
    case "queue":
      return [field("queue_mapping")];
    case "rx_hash":
      return [field("hash")];
    case "vlan_tag":
      return [field("vlan_tci")];
    case "vlan_tag_present":
      return [field("vlan_present")];
    case "vlan_protocol":
      return [field("vlan_proto"), byteSwap("be", 16, A)];
    case "cpu":
      return [call("helper", HELPER_GET_SMP_PROCESSOR_ID), mov32(A, A)];
    case "random":
      return [call("helper", HELPER_GET_PRANDOM_U32), mov32(A, A)];
    case "xor_x":
      return [alu32("xor", A, X)];
    case "hardware_type":
    case "payload_offset":
    case "netlink_attribute":
    case "nested_netlink_attribute":
      throw new NotSupportedError(
        `classic:${question}`,
        `socket filters in eBPF cannot ask for ${question.replaceAll("_", " ")}`,
      );
    default:
      return question satisfies never;
  }
}
