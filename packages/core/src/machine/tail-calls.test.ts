import { expect, it } from "vitest";
import { assemble } from "../isa/index.js";
import { createMap, createProgram } from "../spec/index.js";
import { Machine } from "./machine.js";

const ENTRIES = 4;
const key = (index: number) => Uint8Array.of(index, 0, 0, 0);

/** Tail calls through the entry that the packet's first byte says; 99 when that fails. */
const caller = `r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr4 = r2\nr4 += 14\nif r4 > r3 goto out
  r3 = *(u8 *)(r2 + 0)\nr2 = 0 ll\ncall 12\nout:\nr0 = 99\nexit`;

async function createChain(engine: "jit" | "interpreter", entries: number) {
  const machine = new Machine({ engine });
  const progs = machine.createMap(
    createMap({ name: "progs", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: entries }),
  );
  const load = (name: string, source: string, verify = true) => {
    const insns = assemble(source);
    const slot = insns.findIndex((byte, at) => at % 8 === 0 && byte === 0x18) / 8;
    const references = slot < 0 ? [] : [{ kind: "map" as const, slot, map: "progs" }];
    return machine.loadProgram(createProgram({ name, type: "xdp", insns, references, license: "GPL" }), {
      maps: { progs },
      verify,
    });
  };
  const returns = (value: number) => load(`returns_${value}`, `r0 = ${value}\nexit`);
  const before = await returns(1);
  progs.raw.updateReference(key(1), before);
  const program = await load("caller", caller);
  const verdicts = () =>
    [0, 1, 2, 3, 200].map((index) => program.testRun({ data: Uint8Array.of(index, ...new Array(19).fill(0)) }).retval);
  return { machine, progs: progs.raw, load, returns, before, program, verdicts };
}

it.each([
  ["jit", ENTRIES],
  ["jit", 5000],
  ["interpreter", ENTRIES],
] as const)("tail calls follow the array as it is now: %s, %i entries", async (engine, entries) => {
  const { machine, progs, load, returns, before, program, verdicts } = await createChain(engine, entries);
  expect(verdicts()).toEqual([99, 1, 99, 99, 99]);
  progs.updateReference(key(0), await returns(7));
  progs.updateReference(key(3), await returns(8));
  expect(verdicts()).toEqual([7, 1, 99, 8, 99]);
  progs.updateReference(key(0), await returns(9));
  progs.delete(key(3));
  // The array holds the program.
  before.close();
  expect(verdicts()).toEqual([9, 1, 99, 99, 99]);
  // A second program through the same array, and one that goes round until the limit.
  progs.updateReference(key(2), await load("other", caller.replace("r0 = 99", "r0 = 55")));
  expect(verdicts()).toEqual([9, 1, 55, 99, 99]);
  progs.updateReference(key(3), program);
  expect(verdicts()).toEqual([9, 1, 55, 99, 99]);
  progs.delete(key(1));
  expect(verdicts()).toEqual([9, 99, 55, 99, 99]);
  machine.close();
});

it.each(["jit", "interpreter"] as const)(
  "out of a function, and on from there, with all frames: %s",
  async (engine) => {
    const { machine, progs, load } = await createChain(engine, ENTRIES);
    const calls = (index: number) => `r3 = ${index}\nr2 = 0 ll\ncall 12\nr0 = 0\nexit`;
    progs.updateReference(key(2), await load("second", calls(3)));
    const deep = Array.from({ length: 7 }, (_, at) => `call f${at}\nr0 += 1\nexit\nf${at}:`).join("\n");
    progs.updateReference(key(3), await load("third", `${deep}\nr0 = 100\nexit`));
    // Unverified: without types the verifier takes no tail calls in functions.
    const start = await load("first", `call f\nr0 += 1\nexit\nf:\n${calls(2)}`, false);
    expect(start.testRun({ data: new Uint8Array(20) }).retval).toBe(108);
    machine.close();
  },
);
