import { expect, it } from "vitest";
import { assemble } from "../isa/index.js";
import { decodeProgram, Runtime } from "../runtime/index.js";
import { findDominators } from "./dominators.js";
import { type FlowGraph, FlowGraphBuilder } from "./flow-graph.js";
import { unrollLoops } from "./loop-unrolling.js";

function graphsOf(source: string): { before: FlowGraph; after: FlowGraph } {
  const runtime = new Runtime();
  runtime.helpers.define(8, { name: "get_smp_processor_id", result: "uint", wide: false, run: () => 0 });
  const program = decodeProgram({ name: "loops", insns: assemble(source), verified: true }, runtime);
  const before = new FlowGraphBuilder(program, undefined, true).build(0);
  return { before, after: unrollLoops(program, before) };
}

/** Starts of the blocks that are passed when jumps do what `decide` says of their start. */
function walk(graph: FlowGraph, decide: (start: number, visit: number) => boolean): number[] {
  const path: number[] = [];
  for (let block = 0; block >= 0 && path.length < 300; ) {
    const start = graph.start[block]!;
    path.push(start);
    const jumps = graph.taken[block]! >= 0 && decide(start, path.length);
    block = jumps ? graph.taken[block]! : graph.next[block]!;
  }
  return path;
}

const twoExits = `
  r0 = 0
  r1 = 100
again:
  r0 += r1
  if r0 == 77 goto out
  if r0 == 78 goto odd
  r0 ^= 5
odd:
  r1 += -1
  if r1 != 0 goto again
out:
  exit`;

it("passes the same instructions, whatever the jumps do", () => {
  const { before, after } = graphsOf(twoExits);
  expect(after.length).toBeGreaterThan(before.length * 2);
  for (let seed = 1; seed < 40; seed++) {
    const decide = (start: number, visit: number) => ((start * 7 + visit * 13 + seed * seed) >>> 2) % seed > 0;
    expect(walk(after, decide)).toEqual(walk(before, decide));
  }
  const { reducible, loops } = findDominators(after);
  expect(reducible).toBe(true);
  // One loop still, whose other rounds are straight on.
  expect(loops.reduce((sum, loop) => sum + loop, 0)).toBe(1);
});

it("unrolls the inner of two loops only", () => {
  const { before, after } = graphsOf(
    "r1 = 9\nouter:\nr2 = 9\ninner:\nr2 += -1\nif r2 != 0 goto inner\nr1 += -1\nif r1 != 0 goto outer\nr0 = 0\nexit",
  );
  expect(after.length).toBe(before.length + 7);
  const decide = (_start: number, visit: number) => visit % 5 !== 0;
  expect(walk(after, decide)).toEqual(walk(before, decide));
});

it("leaves loops with calls, and long ones, as they are", () => {
  const calls = graphsOf("r6 = 9\nagain:\ncall 8\nr6 += -1\nif r6 != 0 goto again\nr0 = 0\nexit");
  expect(calls.after).toBe(calls.before);
  const long = graphsOf(`r6 = 9\nagain:\n${"r6 ^= 3\n".repeat(60)}if r6 != 0 goto again\nr0 = 0\nexit`);
  expect(long.after).toBe(long.before);
});
