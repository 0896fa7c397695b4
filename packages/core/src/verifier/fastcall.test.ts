import { describe, expect, it } from "vitest";
import type { ProgramType } from "../abi/index.js";
import { assemble } from "../isa/index.js";
import { verifyForKernel } from "./older-kernel.js";
import { verify } from "./verify.js";

const CPU = 8;
const RANDOM = 7;

/** A call with spills and fills around it, the first register's nearest to the call. */
function around(helper: number, ...pairs: readonly (readonly [register: number, below: number])[]): string {
  const spills = pairs.map(([register, below]) => `*(u64 *)(r10 - ${below}) = r${register}`).reverse();
  const fills = pairs.map(([register, below]) => `r${register} = *(u64 *)(r10 - ${below})`);
  return [...spills, `call ${helper}`, ...fills, ""].join("\n");
}

const input = (source: string, type: ProgramType = "xdp") =>
  ({ insns: assemble(source), type, license: "GPL", maps: new Map() }) as const;

function stack(source: string, type?: ProgramType): string {
  const verdict = verify(input(source, type));
  return verdict.verdict === "accepted" ? verdict.stackDepths.join("+") : verdict.message;
}

const start = "r1 = 1\nr2 = 2\n";
const end = "r0 = 2\nexit";

/** A whole frame, and a function with one spill. */
const full = (helper: number) =>
  `r1 = 42\n*(u64 *)(r10 - 512) = r1\ncall pc+2\n${end}\n${around(helper, [1, 8])}r0 = 0\nexit`;

// Depths and messages are Linux 6.18's own for the same programs.
describe("spills around a call that the kernel inlines", () => {
  it.each<[string, string, string]>([
    ["take no stack", `${start}${around(CPU, [1, 8])}${end}`, "0"],
    ["take no stack, two of them", `${start}${around(CPU, [2, 16], [1, 8])}${end}`, "0"],
    ["leave what is above them", `${start}*(u8 *)(r10 - 1) = r1\n${around(CPU, [1, 16])}${end}`, "8"],
    ["leave a hole above them", `${start}*(u64 *)(r10 - 8) = r1\n${around(CPU, [1, 24])}${end}`, "16"],
    ["count from the lowest spill on", `${start}r6 = 1\n*(u64 *)(r10 - 24) = r6\n${around(CPU, [1, 16])}${end}`, "24"],
    ["stay in another order", `${start}${around(CPU, [2, 8], [1, 16])}${end}`, "16"],
    ["stay where the call is a call", `${start}${around(RANDOM, [1, 8])}${end}`, "8"],
    ["stay where another call's stay", `${start}${around(CPU, [1, 8])}${around(RANDOM, [1, 8])}${end}`, "8"],
    ["stay where something else reads them", `${start}${around(CPU, [1, 8])}r0 = *(u64 *)(r10 - 8)\n${end}`, "8"],
    ["go where no path comes to", `${start}r0 = 0\nif r0 == 0 goto +3\n${around(CPU, [1, 400])}${end}`, "392"],
    ["make room under a whole frame", full(CPU), "512+0"],
    ["make no room where they stay", full(RANDOM), "combined stack size of 2 calls is 528. Too large"],
  ])("%s", (_, source, expected) => {
    expect(stack(source)).toBe(expected);
  });

  it("stay in program types that call for the number of the CPU", () => {
    expect(stack(`${start}${around(CPU, [1, 8])}${end}`, "socket_filter")).toBe("8");
    expect(stack(full(CPU), "socket_filter")).toBe("combined stack size of 2 calls is 528. Too large");
  });

  it("take stack before 6.12", () => {
    const verdicts = (["6.11", "6.12"] as const).map((kernel) => verifyForKernel(input(full(CPU)), kernel).verdict);
    expect(verdicts).toEqual(["rejected", "accepted"]);
  });
});
