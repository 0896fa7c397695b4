import { describe, expect, it } from "vitest";
import { mapSpec } from "../host/testing/index.js";
import { assemble } from "../isa/index.js";
import { createProgram } from "../spec/index.js";
import { Machine } from "./machine.js";

const nobody = { uid: 1000, gid: 1000, capabilities: [] };
const key = (index: number) => Uint8Array.of(index, 0, 0, 0);
/** A packet whose length says which entry to call. */
const packet = (index: number) => ({ data: new Uint8Array(14 + 64 + index) });

/** Tail calls the entry that the packet's length says; where there is none, gives 99. */
const CALLER = "r3 = *(u32 *)(r1 + 0)\nr3 &= 7\nr2 = 0 ll\ncall 12\nr0 = 99\nexit";
/** Its own number, and how long the packet is. */
const target = (number: number) => `r0 = *(u32 *)(r1 + 0)\nr0 <<= 8\nr0 |= ${number}\nexit`;
/** Counts in the context how often programs ran, and tail calls the other. */
const count = (other: number) =>
  `r0 = *(u32 *)(r1 + 48)\nr0 += 1\n*(u32 *)(r1 + 48) = r0\nr6 = r1\nr3 = ${other}
  r2 = 0 ll\ncall 12\nr0 = *(u32 *)(r6 + 48)\nexit`;

type Kind = "translated" | "checked" | "interpreted";

/** A Machine where nobody's programs are interpreted, because the JIT's limit leaves no room for them. */
function createMachine(entries: number, options: { tailCalls?: boolean; harden?: 0 | 2 }) {
  const machine = new Machine({ jit: { ...options, limit: 0 } });
  machine.sysctls.write("kernel.unprivileged_bpf_disabled", 0);
  const progs = machine.createMap(mapSpec("prog_array", { name: "progs", valueSize: 4, maxEntries: entries }));
  const load = async (kind: Kind, name: string, source: string) => {
    const insns = assemble(source);
    const slot = insns.findIndex((byte, at) => at % 8 === 0 && byte === 0x18) / 8;
    const references = slot < 0 ? [] : [{ kind: "map" as const, slot, map: "progs" }];
    const spec = createProgram({ name, type: "socket_filter", insns, references, license: "GPL" });
    const loading = () => machine.loadProgram(spec, { maps: { progs }, verify: kind !== "checked" });
    const program = await (kind === "interpreted" ? machine.as(nobody, loading) : loading());
    const image = kind === "interpreted" ? "InterpretedProgram" : "CompiledProgram";
    expect(program.image.constructor.name).toBe(image);
    return program;
  };
  return { machine, progs: progs.raw, load };
}

const modes = [{}, { tailCalls: false }, { harden: 2 }] as const;
const kinds = ["translated", "checked", "interpreted"] as const;

describe.each(modes.flatMap((mode) => [4, 5000].map((entries) => [mode, entries] as const)))(
  "programs that are too large for the JIT: %o, %i entries",
  (mode, entries) => {
    it.each(kinds)("are tail called by %s programs as the others are", async (kind) => {
      const { machine, progs, load } = createMachine(entries, mode);
      const caller = await load(kind, "caller", CALLER);
      for (const [index, each] of kinds.entries())
        progs.updateReference(key(index), await load(each, each, target(index)));
      const run = (index: number, repeat = 1) => caller.testRun({ ...packet(index), repeat }).retval;
      for (const repeat of [1, 3]) {
        const expected = [0, 1, 2].map((index) => ((64 + index) << 8) | index);
        expect([0, 1, 2, 3].map((index) => run(index, repeat))).toEqual([...expected, 99]);
      }
      // Entries change while they are in use.
      progs.updateReference(key(0), await load("interpreted", "new", target(5)));
      progs.updateReference(key(2), await load("translated", "new", target(6)));
      progs.delete(key(1));
      expect([0, 1, 2].map((index) => run(index))).toEqual([(64 << 8) | 5, 99, (66 << 8) | 6]);
      machine.close();
    });

    it.each(kinds)("call %s programs and are called by them 33 times together", async (kind) => {
      const { machine, progs, load } = createMachine(entries, mode);
      const [ping, pong] = [await load(kind, "ping", count(1)), await load("interpreted", "pong", count(0))];
      progs.updateReference(key(0), ping);
      progs.updateReference(key(1), pong);
      expect([ping, pong].map((program) => program.testRun(packet(0)).retval)).toEqual([34, 34]);
      machine.close();
    });
  },
);
