import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { commandLine } from "../testing/command-line.js";

const filter = fileURLToPath(new URL("../../../../examples/ddos-filter/ddos-filter.bpf.o", import.meta.url));

it("disasm --wasm shows the WebAssembly of a program between its instructions and C lines", async () => {
  const { status, out, err } = await commandLine("disasm", filter, "--wasm");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toMatch(
    /^ddos_filter {2}\(xdp\): \d+ slots, unchecked, \d+ bytes of WebAssembly in [\d.]+ ms; [^\n]*\n\(func \$bpf_prog_/,
  );
  expect(out).toMatch(/;; .*ctx->data_end.* @ .*ddos-filter\.bpf\.c:\d+\n/);
  expect(out).toMatch(
    /;; 0: r6 = \*\(u32 \*\)\(r1 \+4\)\n\s+local\.get \$r1\n\s+i32\.wrap_i64\n\s+i64\.load32_u offset=4\n/,
  );
});

it("disasm --wasm says what the JIT made, as text and as JSON", async () => {
  const text = await commandLine("disasm", filter, "--wasm");
  const heading =
    /; (\d+) instructions, (\d+) slots dropped; 0 of (\d+) accesses checked, (\d+) helper calls inlined\n/;
  const [, instructions, deadSlots, accesses, inlinedCalls] = (heading.exec(text.out) ?? []).map(Number);
  const { status, out } = await commandLine("disasm", filter, "--wasm", "--json");
  expect(status).toBe(0);
  const [program] = JSON.parse(out);
  expect(program).toMatchObject({
    ...{ name: "ddos_filter", type: "xdp", jited: true, checked: false },
    ...{ instructions, deadSlots, accesses, checkedAccesses: 0, inlinedCalls },
  });
  expect(program.wasm[0].lines).toContainEqual({
    slot: expect.any(Number),
    depth: expect.any(Number),
    text: expect.any(String),
  });
});
