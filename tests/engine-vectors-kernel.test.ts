import { assemble } from "@tsbpf/core/isa";
import { expect, it } from "vitest";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";
import { engineVectors } from "./engine-vectors.js";
import { runOnKernel } from "./kernel-function.js";

/** What the verifier doesn't take like this: callx, our own helpers, packet loads without skb, arenas, a ninth frame. */
const notHere = /^(callx|eight frames|a helper|a kfunc|ld(abs|ind)|an arena|null stays|map\[|btf\[)/;

describeKernel("engine vectors, in the kernel", () => {
  const vectors = engineVectors.filter(({ name }) => !notHere.test(name));

  it("are nearly all of them", () => expect(engineVectors.length - vectors.length).toBeLessThan(20));

  it.each(vectors.map((vector) => [vector.name, vector] as const))("%s", (name, { source, memory = "", result }) => {
    const bytes = Uint8Array.from(memory.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? []);
    const place = /acquire|release/.test(name) ? "stack" : "packet";
    expect(runOnKernel(assemble(source), bytes, place)).toBe(result);
  });
});
