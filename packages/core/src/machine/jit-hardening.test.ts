import { describe, expect, it } from "vitest";
import { mapSpec } from "../host/testing/index.js";
import { assemble } from "../isa/index.js";
import { CompiledProgram } from "../jit/index.js";
import { createProgram } from "../spec/index.js";
import { Machine } from "./machine.js";

const nobody = { uid: 1000, gid: 1000, capabilities: [] };
const administrator = { uid: 1000, gid: 1000, capabilities: ["bpf"] } as const;

/** Tail calls through the first map. */
const CALLER = "r3 = *(u32 *)(r1 + 0)\nr2 = 0 ll\ncall 12\nr0 = 99\nexit";

function createMachine() {
  const machine = new Machine({ jit: { listings: true } });
  machine.sysctls.write("kernel.unprivileged_bpf_disabled", 0);
  const load = async (source: string, entries = 4) => {
    const progs = machine.createMap(mapSpec("prog_array", { name: "progs", valueSize: 4, maxEntries: entries }));
    const insns = assemble(source);
    const slot = insns.findIndex((byte, at) => at % 8 === 0 && byte === 0x18) / 8;
    const references = slot < 0 ? [] : [{ kind: "map" as const, slot, map: "progs" }];
    const spec = createProgram({ name: "filter", type: "socket_filter", insns, references, license: "GPL" });
    return machine.loadProgram(spec, { maps: { progs } });
  };
  return { machine, load };
}

describe("a Machine's JIT", () => {
  it.each([
    [0, [false, false, false]],
    [1, [false, false, true]],
    [2, [true, true, true]],
  ] as const)("bpf_jit_harden %i hides constants by who loads", async (harden, expected) => {
    const { machine, load } = createMachine();
    machine.sysctls.write("net.core.bpf_jit_harden", harden);
    const source = "r0 = 0x5a5b5c\nexit";
    const programs = [
      await load(source),
      await machine.as(administrator, () => load(source)),
      await machine.as(nobody, () => load(source)),
    ];
    const images = programs.map(({ image }) => image as CompiledProgram);
    expect(images.map(({ blinded }) => blinded)).toEqual(expected);
    const shown = programs.map(({ code }) => JSON.stringify(code?.listing).includes(` ${0x5a5b5c}"`));
    expect(shown).toEqual(expected.map((hidden) => !hidden));
    expect(programs.map((program) => program.testRun({ data: new Uint8Array(64) }).retval)).toEqual([
      0x5a5b5c, 0x5a5b5c, 0x5a5b5c,
    ]);
    machine.close();
  });

  it("bpf_jit_limit leaves programs of unprivileged users to the interpreter", async () => {
    const { machine, load } = createMachine();
    const source = "r0 = 7\nexit";
    const first = await machine.as(nobody, () => load(source));
    expect(first.image).toBeInstanceOf(CompiledProgram);
    machine.sysctls.write("net.core.bpf_jit_limit", machine.jit!.size + 1);
    const [second, privileged] = [
      await machine.as(nobody, () => load(source)),
      await machine.as(administrator, () => load(source)),
    ];
    expect([second, privileged].map(({ code }) => code !== undefined)).toEqual([false, true]);
    expect(second.log).toContain("interpreted: ");
    for (const program of [first, second, privileged])
      expect(program.testRun({ data: new Uint8Array(64) }).retval).toBe(7);
    // Room comes back with the images that go.
    first.close();
    privileged.close();
    expect((await machine.as(nobody, () => load(source))).code).toBeDefined();
    machine.close();
  });

  it.each([937, 20_011])("no size of a prog array stands in hidden code: %i entries", async (entries) => {
    const { machine, load } = createMachine();
    const holds = [];
    for (const harden of [0, 1]) {
      machine.sysctls.write("net.core.bpf_jit_harden", harden);
      const { code } = await machine.as(nobody, () => load(CALLER, entries));
      expect(code?.checked).toBe(false);
      holds.push(JSON.stringify(code?.listing).includes(`i32.const ${entries}"`));
    }
    expect(holds).toEqual([true, false]);
    machine.close();
  });
});
