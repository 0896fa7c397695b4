import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { commandLine } from "../testing/command-line.js";

const filter = fileURLToPath(new URL("../../../../examples/ddos-filter/ddos-filter.bpf.o", import.meta.url));

it("disasm --wasm shows the WebAssembly of a program between its instructions and C lines", async () => {
  const { status, out, err } = await commandLine("disasm", filter, "--wasm");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toMatch(/^ddos_filter {2}\(xdp\): \d+ slots, unchecked, \d+ bytes of WebAssembly\n\(func \$bpf_prog_/);
  expect(out).toMatch(/;; .*ctx->data_end.* @ .*ddos-filter\.bpf\.c:\d+\n/);
  expect(out).toMatch(
    /;; 0: r6 = \*\(u32 \*\)\(r1 \+4\)\n\s+local\.get \$r1\n\s+i32\.wrap_i64\n\s+i64\.load32_u offset=4\n/,
  );
});
