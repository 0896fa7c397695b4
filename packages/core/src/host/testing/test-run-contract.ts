import { describe, expect, it } from "vitest";
import { VerifierError } from "../index.js";
import type { HostUnderTest } from "./host-under-test.js";
import { assembleProgram } from "./program-case.js";
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

    it("never comes to pass for a program that the verifier refuses, which says where and why", async () => {
      const spec = assembleProgram("xdp", "r2 = *(u32 *)(r1 + 0)\nr0 = *(u8 *)(r2 + 0)\nexit", {
        lines: [
          { slot: 0, file: "drop.c", line: 3, column: 1, text: "int drop(struct xdp_md *ctx)" },
          { slot: 1, file: "drop.c", line: 5, column: 9, text: "  return *data;" },
        ],
      });
      const refused = await host()
        .loadProgram(spec)
        .then(
          () => undefined,
          (error: unknown) => error,
        );
      expect(refused).toBeInstanceOf(VerifierError);
      const { errnoName, program, reason, slot, line, log } = refused as VerifierError;
      expect({ errnoName, program, slot, line: line?.line }).toEqual({
        errnoName: "EACCES",
        program: "contract",
        slot: 1,
        line: 5,
      });
      expect(reason).toBe("R2 offset is outside of the packet");
      expect(log).toContain("invalid access to packet, off=0 size=1, R2(id=0,off=0,r=0)");
    });

    it("ends with the program's handle", async () => {
      const program = await host().loadProgram(stamp);
      program.close();
      program.close();
      expect(errnoOf(() => program.testRun({ data: frame }))).toBe("EBADF");
    });
  });
}
