import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createMap, createObject, createProgram } from "@tsbpf/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Linux, linkIds, mapIds, programIds } from "../index.js";
import { describeKernel } from "../testing/kernel.js";
import { eventually } from "../testing/network.js";

const openFds = () => readdirSync("/proc/self/fd").length;
const residentKb = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]);

/** r1 = map; r0 = 2; exit */
const object = createObject({
  maps: [createMap({ name: "counts", type: "array", keySize: 4, valueSize: 8, maxEntries: 4 })],
  programs: [
    createProgram({
      name: "pass",
      type: "xdp",
      insns: Uint8Array.from([0x18, 0x11, ...Array(14).fill(0), 0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, ...Array(7).fill(0)]),
      references: [{ kind: "map", slot: 0, map: "counts" }],
    }),
  ],
});

const script = `
  import { readFileSync } from "node:fs";
  import { Linux } from "${new URL("../../dist/index.js", import.meta.url)}";
  import { readObject } from "${new URL("../../../core/dist/object/index.js", import.meta.url)}";
  const host = await Linux.open();
  const path = new URL("${new URL("../../../../testdata/kernel/tracing.bpf.o", import.meta.url)}");
  const object = await host.load(readObject(readFileSync(path)), { programs: ["on_raw_tracepoint"] });
  const link = host.attachRawTracepoint(object.program("on_raw_tracepoint"));
  console.log(JSON.stringify({ link: link.id, program: link.program.id, map: object.map(".bss").info.id }));
  setInterval(() => {}, 1000);`;

async function idsOf(child: ChildProcess): Promise<{ link: number; program: number; map: number }> {
  const [line] = await once(child.stdout!, "data");
  return JSON.parse(String(line));
}

describeKernel("what a process leaves", () => {
  let host: Linux;
  beforeAll(async () => {
    host = await Linux.open();
  });
  afterAll(() => host?.close());

  it("is nothing when it is killed", async () => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const { link, program, map } = await idsOf(child);
      expect([...linkIds()]).toContain(link);
      child.kill("SIGKILL");
      await eventually(() => ![...linkIds()].includes(link), "the link goes");
      await eventually(() => ![...programIds()].includes(program), "the program goes");
      await eventually(() => ![...mapIds()].includes(map), "the map goes");
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("is no fd and no memory after 10,000 loads", { timeout: 120_000 }, async () => {
    const rounds = async (count: number) => {
      for (let i = 0; i < count; i++) (await host.load(object)).close();
    };
    await rounds(1000);
    const fds = openFds();
    const memory = residentKb();
    await rounds(10_000);
    expect(openFds()).toBe(fds);
    expect(residentKb() - memory).toBeLessThan(64 * 1024);
  });

  it("closes what is forgotten, once it is garbage", async () => {
    const before = openFds();
    for (let i = 0; i < 300; i++)
      host.createMap(createMap({ name: "lost", type: "array", keySize: 4, valueSize: 4, maxEntries: 1 }));
    expect(openFds()).toBeGreaterThan(before + 250);
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    await eventually(() => {
      collect();
      return openFds() < before + 50;
    }, "fds of forgotten maps are closed");
  });
});
