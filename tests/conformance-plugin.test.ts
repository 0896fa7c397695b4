import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { assemble } from "@tsbpf/core/isa";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");
const built = existsSync(join(root, "packages/core/dist/interpreter/index.js"));

function plugin(args: string[], input: Uint8Array | string) {
  const hex = typeof input === "string" ? input : Buffer.from(input).toString("hex");
  const { status, stdout, stderr } = spawnSync(join(root, "tools/conformance-plugin"), args, {
    input: hex.replace(/../g, "$&  "),
    encoding: "utf8",
  });
  return { status, stdout: stdout.trim(), stderr: stderr.trim() };
}

describe.skipIf(!built)("tools/conformance-plugin (needs npm run build)", () => {
  it("prints r0 in hex, memory in r1 and its length in r2", () => {
    const program = assemble("r0 = *(u8 *)(r1 + 1)\nr0 <<= 60\nr0 |= r2\nexit");
    expect(plugin(["01  ff  00  "], program)).toEqual({ status: 0, stdout: "f000000000000003", stderr: "" });
    expect(plugin(["--engine", "interpreter", "--checked"], assemble("r0 = -1\nexit")).stdout).toBe("ffffffffffffffff");
    expect(plugin(["--engine", "jit", "--checked", "0102"], program).stdout).toBe("2000000000000002");
  });

  it("fails with the reason on standard error", () => {
    expect(plugin([], assemble("r0 = *(u8 *)(r2 + 0)\nexit"))).toMatchObject({
      status: 1,
      stdout: "",
      stderr: "slot 1: load of 1 byte at 0x0: null pointer",
    });
    expect(plugin([], "ff00000000000000").status).toBe(1);
    expect(plugin(["--engine", "abacus"], "").status).toBe(2);
    expect(plugin(["xyz"], "").status).toBe(2);
  });
});
