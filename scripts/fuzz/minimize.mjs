import { decode, encode, insn } from "./instructions.mjs";
import { compare } from "./verifier-case.mjs";

const LDDW = 0x18;
const MOST_STEPS = 3000;

/** The shortest program found by leaving instructions out that still shows a difference of this kind. */
export function minimize(program, kind) {
  let best = program;
  let steps = 0;
  const shape = shapeOf(compare(program).kernel);
  const differs = (candidate) => {
    steps++;
    const answer = compare(candidate);
    if (answer.kind !== kind || shapeOf(answer.kernel) !== shape) return false;
    return kind !== "message" || answer.kernel.message !== "";
  };
  for (let size = 32; size >= 1; size >>= 1) {
    for (let again = true; again; ) {
      again = false;
      for (let at = best.insns.length / 8 - size; at >= 0 && steps < MOST_STEPS; at--) {
        const candidate = without(best, at, size);
        if (candidate === undefined || !differs(candidate)) continue;
        best = candidate;
        again = true;
        at = Math.min(at, best.insns.length / 8 - size + 1);
      }
    }
  }
  return simplify(best, differs);
}

/** What the kernel said, without what depends on the place. */
function shapeOf({ message }) {
  return message.replace(/\d+/g, "N");
}

/** Flags, types and immediates that make no difference are taken away. */
function simplify(program, differs) {
  let best = program;
  for (const change of [{ flags: 0 }, { functions: undefined }, { license: "GPL" }]) {
    const candidate = { ...best, ...change };
    if (differs(candidate)) best = candidate;
  }
  for (let at = 0; at < best.insns.length / 8; at++) {
    const code = decode(best.insns);
    if (code[at].imm === 0 || code[at].opcode === 0x85 || code[at].opcode === LDDW) continue;
    for (const imm of [0, 1]) {
      const changed = decode(best.insns);
      changed[at].imm = imm;
      const candidate = { ...best, insns: encode(changed) };
      if (!differs(candidate)) continue;
      best = candidate;
      break;
    }
  }
  return best;
}

/** The program without `size` slots at `at`; jumps and calls over the gap are shortened. */
function without(program, at, size) {
  const code = decode(program.insns);
  const second = new Set();
  for (let i = 0; i < code.length; i++) {
    if (code[i].opcode === LDDW) second.add(++i);
  }
  if (second.has(at) || second.has(at + size)) return undefined;
  const moved = (slot) => (slot <= at ? slot : slot >= at + size ? slot - size : at);
  const kept = code.flatMap((instruction, slot) => {
    if (slot >= at && slot < at + size) return [];
    return [relocate(instruction, slot, moved)];
  });
  if (kept.length === 0) return undefined;
  const functions = program.functions?.filter(({ slot }) => slot === 0 || slot < at || slot >= at + size);
  return {
    ...program,
    insns: encode(kept),
    ...(functions === undefined
      ? {}
      : { functions: functions.map(({ slot, typeId }) => ({ slot: moved(slot), typeId })) }),
  };
}

function relocate({ opcode, dst, src, offset, imm }, slot, moved) {
  const here = moved(slot);
  const kind = opcode & 7;
  const operation = opcode & 0xf0;
  if ((opcode === 0x85 && src === 1) || (opcode === LDDW && src === 4) || opcode === 0x06) {
    return insn(opcode, dst, src, offset, moved(slot + 1 + imm) - here - 1);
  }
  if ((kind === 5 || kind === 6) && operation !== 0x80 && operation !== 0x90) {
    return insn(opcode, dst, src, moved(slot + 1 + offset) - here - 1, imm);
  }
  return insn(opcode, dst, src, offset, imm);
}
