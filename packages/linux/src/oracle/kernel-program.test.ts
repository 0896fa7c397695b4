import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { encodeInstructions, isProgramType, type SyscallError } from "@tsbpf/core";
import { expect, it } from "vitest";
import { describeKernel } from "../testing/kernel.js";
import { sharedFile } from "../testing/shared-folder.js";
import { loadOnKernel, type RawProgram, verifyOnKernel } from "./index.js";

const returnOne = encodeInstructions([
  { opcode: 0xb7, dst: 0, src: 0, offset: 0, imm: 1 },
  { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 },
]);
const exitOnly = returnOne.subarray(8);

describeKernel("programs as raw instructions", () => {
  it("are judged", () => {
    expect(verifyOnKernel({ insns: returnOne, type: "xdp" })).toMatchObject({ accepted: true, errno: 0, processed: 2 });
    expect(verifyOnKernel({ insns: exitOnly, type: "xdp" })).toMatchObject({
      accepted: false,
      errnoName: "EACCES",
      message: "R0 !read_ok",
    });
  });

  it("run on a packet", () => {
    using program = loadOnKernel({ insns: returnOne, type: "xdp" });
    const packet = new Uint8Array(64).fill(7);
    const result = program.testRun({ data: packet });
    expect(result.retval).toBe(1);
    expect(result.data).toEqual(packet);
  });

  it("cannot be used after close", () => {
    const program = loadOnKernel({ insns: returnOne, type: "xdp" });
    program.close();
    program.close();
    expect(() => program.testRun({ data: new Uint8Array(64) })).toThrow("is closed");
  });

  it("throw with the verifier's reason where a program is asked for", () => {
    const error = (() => {
      try {
        return loadOnKernel({ insns: exitOnly, type: "xdp" });
      } catch (thrown) {
        return thrown as SyscallError;
      }
    })();
    expect(error).toMatchObject({ code: "SYSCALL", command: "BPF_PROG_LOAD", errnoName: "EACCES" });
    expect((error as SyscallError).log).toContain("R0 !read_ok");
  });

  it("get their whole log, however long", () => {
    const chain = Array.from({ length: 60_000 }, () => ({ opcode: 0xb7, dst: 0, src: 0, offset: 0, imm: 1 }));
    const insns = encodeInstructions([...chain, { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 }]);
    const { log, processed } = verifyOnKernel({ insns, type: "xdp", logLevel: 6 });
    expect(processed).toBe(60_001);
    expect(log.length).toBeGreaterThan(1 << 20);
    expect(log).toMatch(/^func#0 @0/);
  });
});

describeKernel("a verification", () => {
  it("is not given up for the signals of a profiler", () => {
    const folder = mkdtempSync(join(tmpdir(), "tsbpf-profile-"));
    const script = `
      import { verifyOnKernel } from "${new URL("../../dist/index.js", import.meta.url)}";
      const insns = new Uint8Array(200_001 * 8);
      for (let at = 0; at < insns.length; at += 8) insns[at] = at + 8 < insns.length ? 0xb7 : 0x95;
      for (let i = 0; i < 5; i++) console.log(verifyOnKernel({ insns, type: "xdp", logLevel: 4 }).processed);`;
    const profile = ["--cpu-prof", "--cpu-prof-interval", "100", "--cpu-prof-dir", folder];
    const output = execFileSync(process.execPath, [...profile, "--input-type=module", "-e", script], {
      encoding: "utf8",
    });
    rmSync(folder, { recursive: true });
    expect(output).toBe("200001\n".repeat(5));
  });
});

interface Case {
  readonly descr: string;
  readonly prog_type_name: string;
  readonly expected_attach_type: number;
  readonly prog_flags: number;
  readonly insns: string;
  readonly verdict: string;
  readonly errno: number;
  readonly err_line: readonly string[];
  readonly processed: number;
  readonly attach_btf_id: number;
  readonly maps: readonly {
    readonly fd: number;
    readonly type: number;
    readonly key: number;
    readonly value: number;
    readonly max: number;
    readonly flags: number;
    readonly btf_value: number;
  }[];
  readonly btf_types_hex: string;
  readonly btf_strings_hex: string;
  readonly func_info: string;
}

function rawBtf(types: Uint8Array, strings: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(24 + types.length + strings.length);
  const header = new DataView(bytes.buffer);
  header.setUint32(0, 0x0001_eb9f, true);
  [24, 0, types.length, types.length, strings.length].forEach((value, i) => {
    header.setUint32(4 + i * 4, value, true);
  });
  bytes.set(types, 24);
  bytes.set(strings, 24 + types.length);
  return bytes;
}

function programOf(test: Case): RawProgram | undefined {
  const type = test.prog_type_name;
  const maps = test.maps.map((map) => ({
    fd: map.fd,
    type: map.type,
    keySize: map.key,
    valueSize: map.value,
    maxEntries: map.max,
    flags: map.flags,
  }));
  if (!isProgramType(type) || test.maps.some((map) => map.btf_value !== 0 || map.type === 0)) {
    return undefined;
  }
  return {
    insns: Buffer.from(test.insns, "hex"),
    type,
    attachType: test.expected_attach_type,
    flags: test.prog_flags,
    maps,
    attachBtfId: test.attach_btf_id,
    btf:
      test.btf_types_hex === ""
        ? undefined
        : rawBtf(Buffer.from(test.btf_types_hex, "hex"), Buffer.from(test.btf_strings_hex, "hex")),
    functions: test.func_info === "" ? undefined : { bytes: Buffer.from(test.func_info, "hex"), recordSize: 8 },
  };
}

const casesFile = sharedFile("oracle/verifier-cases.jsonl.gz");

describeKernel("known verdicts", () => {
  it.skipIf(casesFile === undefined)(
    `come out of the kernel again${casesFile === undefined ? " (skipped: no shared folder)" : ""}`,
    () => {
      const lines = gunzipSync(readFileSync(casesFile!)).toString().trim().split("\n");
      const different: unknown[] = [];
      let asked = 0;
      for (const line of lines) {
        const test = JSON.parse(line) as Case;
        const program = programOf(test);
        if (program === undefined) continue;
        asked++;
        const verdict = verifyOnKernel(program);
        const agrees = verdict.accepted === (test.verdict === "accepted") && verdict.errno === test.errno;
        if (!agrees || verdict.processed !== test.processed) {
          different.push(
            `${test.descr}: ${verdict.errno} ${verdict.message}, ${verdict.processed}; was ${test.errno}, ${test.processed}`,
          );
        }
      }
      expect(asked).toBeGreaterThan(400);
      expect(different).toEqual([]);
    },
  );
});
