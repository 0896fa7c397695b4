import { describe, expect, it } from "vitest";
import type { HostUnderTest } from "./host-contract.js";
import { asm, errnoOf, mapSpec, programSpec, u64 } from "./specs.js";

const frame = Uint8Array.from({ length: 60 }, (_, at) => at);
const XDP_PASS = 2;

/** Returns XDP_PASS after writing 0xaa over the first byte; XDP_DROP for a frame without one. */
const stamp = programSpec("xdp", [
  asm.load32(2, 1, 0),
  asm.load32(3, 1, 4),
  asm.movReg(4, 2),
  asm.add(4, 1),
  asm.jumpGreater(4, 3, 3),
  asm.store8(2, 0, 0xaa),
  asm.mov(0, XDP_PASS),
  asm.exit(),
  asm.mov(0, 1),
  asm.exit(),
]);

/** Adds 1 to element 0 of an array named `hits`. */
const count = programSpec(
  "xdp",
  [
    asm.store32(10, -4, 0),
    asm.movReg(2, 10),
    asm.add(2, -4),
    asm.loadMap(1),
    asm.call(1),
    asm.jumpEqual(0, 0, 2),
    asm.mov(1, 1),
    asm.atomicAdd64(0, 1, 0),
    asm.mov(0, XDP_PASS),
    asm.exit(),
  ],
  [{ kind: "map", slot: 3, map: "hits" }],
);

export function testRunContract(host: HostUnderTest): void {
  describe("a test run", () => {
    it("returns r0 and the packet as the program left it", async () => {
      using program = await host().loadProgram(stamp);
      const { retval, data } = program.testRun({ data: frame });
      expect(retval).toBe(XDP_PASS);
      expect(data).toEqual(Uint8Array.of(0xaa, ...frame.subarray(1)));
      expect(frame[0]).toBe(0);
    });

    it("refuses frames without an Ethernet header", async () => {
      using program = await host().loadProgram(stamp);
      expect(errnoOf(() => program.testRun({ data: frame.subarray(0, 13) }))).toBe("EINVAL");
      expect(program.testRun({ data: frame.subarray(0, 14) }).data.length).toBe(14);
    });

    it("reaches the maps that the program refers to, as often as asked", async () => {
      using hits = host().createMap(mapSpec("array", { maxEntries: 1 }));
      using program = await host().loadProgram(count, { maps: { hits } });
      expect(program.testRun({ data: frame, repeat: 3 }).retval).toBe(XDP_PASS);
      expect(hits.lookup(0)).toEqual(u64(3));
    });

    it("ends with the program's handle", async () => {
      const program = await host().loadProgram(stamp);
      program.close();
      program.close();
      expect(errnoOf(() => program.testRun({ data: frame }))).toBe("EBADF");
    });
  });
}
