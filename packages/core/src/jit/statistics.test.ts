import { expect, it } from "vitest";
import { assemble } from "../isa/index.js";
import { Runtime } from "../runtime/index.js";
import { verify } from "../verifier/index.js";
import { Jit, type JitExecutable } from "./index.js";

const SOURCE = `
  r6 = 0x100000002 ll
  r0 = 0
  if r0 == 1 goto dead
  *(u64 *)(r10 - 8) = r6
  call sub
  call 8
  r0 = *(u64 *)(r10 - 8)
  exit
dead:
  r6 = 0x500000002 ll
  *(u32 *)(r10 - 8) = 1
  exit
sub:
  r1 = 1
  lock *(u64 *)(r10 - 16) += r1
  r0 = 0
  exit`;

it("what is compiled is counted: instructions, accesses, what is dead, what stands in place of calls", () => {
  const runtime = new Runtime();
  runtime.helpers.define(8, { name: "get_smp_processor_id", result: "uint", wide: false, run: () => 0 });
  const insns = assemble(SOURCE.replace("lock *(u64 *)(r10 - 16) += r1", "*(u64 *)(r10 - 16) = r1\n$&"));
  const verdict = verify({ insns, type: "xdp", license: "GPL", maps: new Map() });
  if (verdict.verdict !== "accepted") throw new Error(verdict.message);
  const verified: JitExecutable = {
    ...{ name: "counted", insns, verified: true },
    proof: { verdict, maps: new Map(), type: "xdp" },
  };
  const [checked, unchecked] = [{ name: "counted", insns }, verified].map((each) => new Jit(runtime).prepare(each));
  expect(checked!.statistics).toEqual({
    ...{ instructions: 16, deadSlots: 0, accesses: 5, checkedAccesses: 5, inlinedCalls: 0 },
    ...{ checked: true, size: checked!.size, time: expect.any(Number) },
  });
  expect(unchecked!.statistics).toEqual({
    ...{ instructions: 16, deadSlots: 4, accesses: 4, checkedAccesses: 0, inlinedCalls: 1 },
    ...{ checked: false, size: unchecked!.size, time: expect.any(Number) },
  });
  // One access that the kernel guards, too.
  const guarded = new Jit(runtime).prepare({ ...verified, guarded: new Set([7]) });
  expect(guarded.statistics).toMatchObject({ accesses: 4, checkedAccesses: 1 });
});
