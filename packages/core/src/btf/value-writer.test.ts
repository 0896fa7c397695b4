import { expect, it } from "vitest";
import { loadKernelTypes } from "../kernel-types/index.js";
import { formatValue, stringifyFormatted } from "./format-value.js";
import { resolve } from "./graph.js";
import { valueWriter } from "./value-writer.js";

/** Bytes as in values: many small, some zeros, some text, some anything. */
function* randomBytes(size: number): IterableIterator<Uint8Array> {
  let seed = 12345;
  const next = () => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed >>> 16;
  };
  for (const limit of [1, 3, 128, 256]) {
    yield Uint8Array.from({ length: size }, (_, index) => (limit === 3 && index % 3 !== 0 ? 0 : next() % limit));
  }
}

it("writes every kind of value as its tree is written: types of a kernel, with values of all sizes", async () => {
  const btf = await loadKernelTypes();
  const kinds = new Map<string, number>();
  for (let id = 1; id < btf.length && kinds.size < 40; id++) {
    const kind = btf.kind(resolve(btf, id));
    const size = btf.size(id) ?? 0;
    if (!["int", "ptr", "enum", "enum64", "float", "array", "struct", "union"].includes(kind)) continue;
    // Some of each kind, small enough for a map's value.
    const seen = kinds.get(kind) ?? 0;
    if (size === 0 || size > 400 || seen > 400) continue;
    kinds.set(kind, seen + 1);
    const write = valueWriter(btf, id);
    for (const bytes of randomBytes(size)) {
      expect(write(bytes), `type ${id}, ${btf.name(id)}`).toBe(stringifyFormatted(formatValue(btf, id, bytes)));
    }
  }
  for (const kind of ["int", "ptr", "enum", "array", "struct", "union"]) expect(kinds.get(kind)).toBeGreaterThan(1);
});

it("refuses what has no values, and too few bytes", async () => {
  const btf = await loadKernelTypes();
  const [task] = btf.find("list_head", "struct");
  expect(() => valueWriter(btf, task!)(new Uint8Array(8))).toThrow("16 bytes");
  const [func] = btf.find("bpf_prog_run_generic_xdp", "func");
  if (func !== undefined) expect(() => valueWriter(btf, func)).toThrow();
});
