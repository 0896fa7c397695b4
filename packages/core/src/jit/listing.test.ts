import { expect, it } from "vitest";
import { assemble } from "../isa/index.js";
import { Runtime } from "../runtime/index.js";
import { Jit } from "./index.js";

it("a listing has every instruction's code behind its slot, in WebAssembly's text format", () => {
  const jit = new Jit(new Runtime(), { listings: true });
  const insns = assemble("r0 = 5\nif r1 == 7 goto out\nr0 *= 3\nlock *(u64 *)(r10 - 8) += r0\nout:\nexit");
  const image = jit.prepare({ name: "main", insns });
  const [main] = image.listing!;
  expect(main!.name).toBe("main");
  const starts = main!.lines.filter(({ slot }) => slot !== undefined);
  expect(new Set(starts.map(({ slot }) => slot))).toEqual(new Set([0, 1, 2, 3, 4]));
  const at = main!.lines.findIndex(({ slot }) => slot === 2);
  expect(main!.lines.slice(at, at + 4).map(({ text }) => text)).toEqual([
    "local.get $r0",
    "i64.const 3",
    "i64.mul",
    "local.set $r0",
  ]);
  // Blocks close at the depth that they opened at.
  for (const { text, depth } of main!.lines) if (text === "end") expect(depth).toBeGreaterThanOrEqual(0);
  expect(new Jit(new Runtime()).prepare({ name: "main", insns }).listing).toBeUndefined();
});
