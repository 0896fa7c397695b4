import { describe, expect, it } from "vitest";
import { NotSupportedError } from "../base/index.js";
import { VerifierError } from "../host/index.js";
import {
  assembleProgram,
  deviceContract,
  hostContract,
  mapSpec,
  socketContract,
  testFrame,
} from "../host/testing/index.js";
import { createObject, createProgram } from "../spec/index.js";
import { Machine, RunError } from "./index.js";
import { machineSocketTestBed } from "./testing/machine-socket-test-bed.js";
import { machineTestBed } from "./testing/machine-test-bed.js";

describe("Machine", () => {
  hostContract("Machine", () => new Machine({ cpus: 2 }));
  deviceContract("Machine", () => machineTestBed());
  socketContract("Machine", () => machineSocketTestBed());

  it("says which helper it lacks when a program is loaded", async () => {
    using machine = new Machine();
    const spec = assembleProgram("sched_cls", "call bpf_skb_get_xfrm_state; exit");
    await expect(machine.loadProgram(spec, { verify: false })).rejects.toThrow(NotSupportedError);
    await expect(machine.loadProgram(spec, { verify: false })).rejects.toThrow(
      "calls bpf_skb_get_xfrm_state() at slot 0",
    );
  });

  it("gives a fault with its source line", async () => {
    using machine = new Machine();
    const spec = createProgram({
      ...assembleProgram("xdp", "r0 = 0; r0 = *(u32 *)(r0 + 8); exit"),
      lines: [{ slot: 0, file: "drop.c", line: 12, column: 3, text: "return *missing;" }],
    });
    using program = await machine.loadProgram(spec, { verify: false });
    expect(() => program.testRun({ data: testFrame })).toThrow(RunError);
    expect(() => program.testRun({ data: testFrame })).toThrow(
      "stopped at drop.c:12 (in contract): slot 1: load of 4 bytes at 0x8: null pointer",
    );
  });

  it("checks what unverified programs hand to helpers", async () => {
    using machine = new Machine();
    for (const [source, message] of [
      ["r1 = 4096; r2 = r10; r2 += -4; call bpf_map_lookup_elem; exit", "r1 of map_lookup_elem is no map"],
      ["r2 = 4; r3 = 0x10000; r4 = 4; call bpf_xdp_load_bytes; exit", "r3 of xdp_load_bytes is no memory of 4 bytes"],
      ["r1 = 64; r2 = 4; call bpf_xdp_adjust_head; exit", "r1 of xdp_adjust_head is not the context"],
      ["r1 = 70000; r2 = 0; call bpf_ringbuf_submit; exit", "the record was not reserved"],
      ["r1 = 5; r2 = 1; r3 = 0; r4 = 0; call bpf_loop; exit", "is no function"],
    ] as const) {
      using program = await machine.loadProgram(assembleProgram("xdp", source), { verify: false });
      expect(() => program.testRun({ data: testFrame }), source).toThrow(message);
    }
  });

  it("leaves nothing behind when a load fails, nor when all is closed", async () => {
    using machine = new Machine();
    const hits = mapSpec("hash", { name: "hits" });
    const good = assembleProgram("xdp", "r2 = r10; r2 += -4; r1 = map[hits]; call bpf_map_delete_elem; r0 = 2; exit", {
      maps: { hits },
    });
    const bad = assembleProgram("sched_cls", "call bpf_skb_get_xfrm_state; exit");
    const object = (second: typeof good) =>
      createObject({
        maps: [hits],
        programs: [
          { ...good, name: "good" },
          { ...second, name: "second" },
        ],
      });
    // Scratch memory and the stack of a first run are taken once.
    const first = await machine.load(object(good));
    first.program("good").testRun({ data: testFrame });
    first.close();
    const before = machine.runtime.memory.stats.blocks;
    await expect(machine.load(object(bad))).rejects.toThrow(VerifierError);
    expect(machine.runtime.memory.stats.blocks).toBe(before);
    const loaded = await machine.load(object(good));
    loaded.map("hits").close();
    // The programs still hold the map.
    loaded.program("good").testRun({ data: testFrame });
    loaded.close();
    expect(machine.runtime.memory.stats.blocks).toBe(before);
  });

  it("repeats itself", async () => {
    const results = await Promise.all(
      [1, 1, 2].map(async (seed) => {
        using machine = new Machine({ seed });
        using program = await machine.loadProgram(assembleProgram("xdp", "call bpf_get_prandom_u32; exit"));
        return [1, 2, 3].map(() => program.testRun({ data: testFrame }).retval);
      }),
    );
    expect(results[0]).toEqual(results[1]);
    expect(results[0]).not.toEqual(results[2]);
    expect(new Set(results[0]).size).toBe(3);
  });
});
