import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Machine } from "@tsbpf/core/machine";
import { Linux } from "@tsbpf/linux";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countByProtocol } from "../../examples/packet-counter/count.js";
import { commandLine } from "../../packages/cli/src/testing/command-line.js";
import { describeKernel } from "../../packages/linux/src/testing/kernel.js";

const root = new URL("../..", import.meta.url).pathname;

/** UDP, TCP and ICMP frames of 60 bytes, three, two and one of them. */
const frames = [17, 17, 17, 6, 6, 1].map((protocol) => {
  const frame = new Uint8Array(60);
  frame.set([8, 0, 0x45], 12);
  frame.set([0, 46], 16);
  frame[23] = protocol;
  return frame;
});

const expected = new Map([
  [1, { packets: 1n, bytes: 60n }],
  [6, { packets: 2n, bytes: 120n }],
  [17, { packets: 3n, bytes: 180n }],
]);

describe("gen ts", () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "tsbpf-gen-"));
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  it("gives the committed module again, byte for byte", async () => {
    const { out, err } = await commandLine("gen", "ts", `${root}/examples/packet-counter/packet-counter.bpf.o`);
    expect(err).toBe("");
    expect(out).toBe(readFileSync(`${root}/examples/packet-counter/packet-counter.gen.ts`, "utf8"));
  });

  it("gives modules that tsc --strict takes", async () => {
    const objects = {
      inspect: "testdata/cli/inspect.bpf.o",
      maps: "testdata/objects/maps.clang-22.o",
      data: "testdata/objects/global-data.clang-19.o",
      arena: "testdata/kernel/arena.bpf.o",
      events: "testdata/kernel/events.bpf.o",
      congestion: "testdata/kernel/congestion.bpf.o",
      legacy: "testdata/objects/legacy-maps.clang-14.o",
      layouts: "testdata/btf/layouts.clang-22.o",
    };
    for (const [name, path] of Object.entries(objects)) {
      for (const form of ["ts", "subskeleton"]) {
        const { out, err } = await commandLine("gen", form, join(root, path), "name", name);
        expect(err).toBe("");
        writeFileSync(join(folder, `${name}-${form}.ts`), out);
      }
    }
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    const options =
      "--strict --noEmit --target es2022 --module nodenext --exactOptionalPropertyTypes --verbatimModuleSyntax";
    const lint =
      "--noUnusedLocals --erasableSyntaxOnly --skipLibCheck --customConditions tsbpf-source --types node --lib es2023,esnext.disposable";
    const names = Object.keys(objects).flatMap((name) => [`${name}-ts.ts`, `${name}-subskeleton.ts`]);
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const words = [tsc, ...options.split(" "), ...lint.split(" "), ...names];
    const { status, stdout } = spawnSync(process.execPath, words, { cwd: folder, encoding: "utf8" });
    expect([status, stdout]).toEqual([0, ""]);
  });

  it("gives modules that load into the Machine", async () => {
    using machine = new Machine();
    expect(await countByProtocol(machine, frames)).toEqual(expected);
  });

  it("says what is wrong with its input", async () => {
    const missing = await commandLine("gen", "ts", "/nowhere.o");
    expect([missing.status, missing.err]).toEqual([1, "tsbpf: /nowhere.o: no such file\n"]);
    const broken = await commandLine("gen", "ts", `${root}/package.json`);
    expect([broken.status, broken.err.split("\n").length]).toEqual([1, 2]);
    const named = await commandLine("gen", "ts", `${root}/examples/packet-counter/packet-counter.bpf.o`, "name", "1x");
    expect([named.status, named.err.split("\n")[0]]).toEqual([2, "tsbpf: '1x' is no name for an object"]);
  });
});

describeKernel("gen ts", () => {
  it("gives modules that load into the kernel", async () => {
    using linux = await Linux.open();
    expect(await countByProtocol(linux, frames)).toEqual(expected);
  });
});
