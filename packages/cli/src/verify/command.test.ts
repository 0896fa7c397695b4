import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assemble } from "@tsbpf/core";
import { kernelProblem } from "@tsbpf/linux";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandLine } from "../testing/command-line.js";

const examples = fileURLToPath(new URL("../../../../examples/", import.meta.url));
const objects = ["packet-counter", "ddos-filter", "load-balancer", "egress-policer"].map(
  (name) => `${examples}${name}/${name}.bpf.o`,
);
const noKernel = kernelProblem();
const reason = noKernel === undefined ? "" : ` (${noKernel})`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tsbpf-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function job(id: number, source: string, type: string): string {
  return JSON.stringify({ id, insns: Buffer.from(assemble(source)).toString("hex"), prog_type_name: type, maps: [] });
}

describe("tsbpf verify", () => {
  it("accepts the examples", async () => {
    for (const object of objects) {
      const { status, out } = await commandLine("verify", object, "--json");
      expect(status).toBe(0);
      expect(JSON.parse(out)).toMatchObject([
        { file: object, verdict: "accepted", message: "", insn: null, line: null },
      ]);
    }
  });

  it.skipIf(noKernel !== undefined)(`walks as many instructions as the kernel${reason}`, async () => {
    for (const object of objects) {
      const ours = JSON.parse((await commandLine("verify", object, "-j")).out);
      const kernels = JSON.parse((await commandLine("verify", object, "-j", "--host", "kernel")).out);
      expect({ ...ours[0], verification_us: 0 }).toEqual({ ...kernels[0], verification_us: 0 });
    }
  });

  it.skipIf(noKernel !== undefined)(`compares its own verdict with the kernel's${reason}`, async () => {
    const { status, out } = await commandLine("verify", objects[0]!, "--compare", "--json");
    expect(JSON.parse(out)).toMatchObject([{ verdict: "accepted", kernel: { verdict: "accepted" }, differences: [] }]);
    expect(status).toBe(0);
    const text = await commandLine("verify", objects[0]!, "--compare");
    expect(text.out).toMatch(
      /same\n {2}both {5}accepted, \S+ instructions, \S+ states; \S+ us here, \S+ us in the kernel\n$/,
    );
    // As a tracepoint's program it reads where there is no context, and the kernel's log of level 4 names no place.
    const rejected = await commandLine("verify", objects[0]!, "--compare", "--json", "--type", "tracepoint");
    expect(JSON.parse(rejected.out)[0].kernel).toMatchObject({ verdict: JSON.parse(rejected.out)[0].verdict });
  });

  const jobs = [
    job(1, "r0 = 1\nexit", "xdp"),
    job(2, "exit", "xdp"),
    job(3, "r0 = *(u64 *)(r1 + 0)\nexit", "socket_filter"),
    "{",
    JSON.stringify({ id: 5, file: "/nowhere.o" }),
    JSON.stringify({ id: 6, file: objects[0] }),
  ];

  it("answers a list line by line, with what cannot be done as a result", async () => {
    const file = join(folder, "jobs.jsonl");
    writeFileSync(file, jobs.join("\n"));
    const { status, out } = await commandLine("verify", "--list", file);
    const results = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(results.map(({ id, verdict, message }) => [id, verdict, message])).toEqual([
      [1, "accepted", ""],
      [2, "rejected", "R0 !read_ok"],
      [3, "rejected", "invalid bpf_context access off=0 size=8"],
      [undefined, "not_reached", expect.stringContaining("not JSON")],
      [5, "not_reached", "/nowhere.o: no such file"],
      [6, "accepted", ""],
    ]);
    expect(status).toBe(3);
  });

  it("makes maps of a job without BTF with the case table's types", async () => {
    const file = join(folder, "typed-map.jsonl");
    const source = "r0 = 0\nexit";
    const typed = [5, 14].map((value) => ({
      ...JSON.parse(job(value, source, "sched_cls")),
      maps: [{ fd: 1, type: 2, key: 4, value: value === 5 ? 16 : 24, max: 1, flags: 0, btf_value: value }],
    }));
    writeFileSync(file, typed.map((each) => JSON.stringify(each)).join("\n"));
    for (const words of noKernel === undefined ? [[], ["--host", "kernel"]] : [[]]) {
      const { out } = await commandLine("verify", "--list", file, ...words);
      const verdicts = out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).verdict);
      expect(verdicts, words.join(" ")).toEqual(["accepted", "accepted"]);
    }
  });

  it("applies an older kernel's limits, and says so", async () => {
    const file = join(folder, "older.jsonl");
    const loop = "r0 = 0\nr0 += 1\nif r0 < 8 goto -2\nexit";
    const older = (id: number, kernel: string) => ({ ...JSON.parse(job(id, loop, "xdp")), kernel });
    writeFileSync(
      file,
      [older(1, "5.2"), older(2, "5.3"), older(3, "3.10")].map((each) => JSON.stringify(each)).join("\n"),
    );
    const { out } = await commandLine("verify", "--list", file);
    const results = out.trim().split("\n");
    expect(results.map((line) => JSON.parse(line))).toMatchObject([
      { id: 1, kernel: "5.2", verdict: "rejected", message: "back-edge from insn 2 to 1" },
      { id: 2, kernel: "5.3", verdict: "accepted" },
      { id: 3, verdict: "not_reached", message: "kernel '3.10' is none of 4.19 to 6.18" },
    ]);
    const text = await commandLine("verify", objects[0]!, "--kernel", "4.19");
    expect(text.out).toContain("kernel: what Linux 4.19 has and its limits, over 6.18's analysis\n");
    expect((await commandLine("verify", objects[0]!, "--kernel", "4.19", "--host", "kernel")).status).toBe(2);
  });

  it("says whose types it took", async () => {
    const { out } = await commandLine("verify", objects[0]!, "--btf", "shipped");
    expect(out).toMatch(/kernel types: Linux 6.18 on x86-64, shipped\n$/);
  });

  it.skipIf(noKernel !== undefined)(`lists what the kernel says to the same jobs${reason}`, async () => {
    const file = join(folder, "kernel-jobs.jsonl");
    writeFileSync(file, jobs.slice(0, 3).join("\n"));
    const [ours, kernels] = await Promise.all(
      [[], ["--host", "kernel"]].map(async (words) => (await commandLine("verify", "--list", file, ...words)).out),
    );
    const essence = (text: string) =>
      text
        .trim()
        .split("\n")
        .map((line) => {
          const { id, verdict, message, processed } = JSON.parse(line);
          return { id, verdict, message, processed };
        });
    expect(essence(ours!)).toEqual(essence(kernels!));
  });
});
