import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enableStatistics, Linux } from "@tsbpf/linux";
import { afterAll, beforeAll, expect, it } from "vitest";
import { commandLine } from "../../packages/cli/src/testing/command-line.js";
import { describeWithBpftool, inspectObject, mustBpftool, privateBpffs } from "./kernel-state.js";

const bin = new URL("../../packages/cli/bin/tsbpf.js", import.meta.url).pathname;
const unbuilt = existsSync(new URL("../../packages/cli/dist/main.js", import.meta.url))
  ? ""
  : " (skipped before npm run build)";

describeWithBpftool("views of what lives", () => {
  let bpffs: string;
  let folder: string;

  beforeAll(() => {
    bpffs = privateBpffs();
    folder = mkdtempSync(join(tmpdir(), "tsbpf-views-"));
    writeFileSync(join(folder, "packet"), new Uint8Array(64));
    mustBpftool("prog", "loadall", inspectObject, `${bpffs}/p`);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  it("--watch shows again and again, as often as told", async () => {
    const line = `-j prog show pinned ${bpffs}/p/filter`;
    const once = await commandLine(...line.split(" "));
    const { out, err } = await commandLine(...line.split(" "), "--watch", "0.01", "--frames", "3");
    expect(err).toBe("");
    expect(
      out
        .trim()
        .split("\n")
        .map((each) => JSON.parse(each).id),
    ).toEqual(Array(3).fill(JSON.parse(once.out).id));
  });

  it("top: what ran between two looks, by time", async () => {
    using host = await Linux.open();
    const program = host.openProgram(`${bpffs}/p/filter`);
    let running = true;
    const work = (async () => {
      while (running) {
        for (let i = 0; i < 20; i++) program.testRun({ data: new Uint8Array(64) });
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const json = await commandLine("-j", "top", "--interval", "0.2", "--count", "2");
    const text = await commandLine("top", "--interval", "0.2", "--count", "1", "--sort", "calls");
    running = false;
    await work;
    expect([json.err, text.err]).toEqual(["", ""]);
    const looks = json.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(looks.length).toBe(2);
    for (const { programs } of looks) {
      const own = programs.find(({ id }: { id: number }) => id === program.id);
      expect(own).toMatchObject({ type: "xdp", name: "filter" });
      expect(own.run_cnt).toBeGreaterThan(0);
      expect(own.run_time_ns).toBeGreaterThan(0);
      const times = programs.map(({ run_time_ns }: { run_time_ns: number }) => run_time_ns);
      expect(times).toEqual([...times].sort((a, b) => b - a));
    }
    expect(text.out).toMatch(new RegExp(`^ *${program.id} +xdp +filter`, "m"));
  });

  it("prog profile counts calls and their time, and refuses hardware counters", async () => {
    using statistics = enableStatistics();
    expect(statistics.closed).toBe(false);
    using host = await Linux.open();
    const program = host.openProgram(`${bpffs}/p/filter`);
    const measured = commandLine(...`-j prog profile pinned ${bpffs}/p/filter duration 1 run_cnt run_time`.split(" "));
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (let i = 0; i < 7; i++) program.testRun({ data: new Uint8Array(64) });
    const [calls, time] = JSON.parse((await measured).out);
    expect(calls).toEqual({ metric: "run_cnt", value: 7 });
    expect(time.value).toBeGreaterThan(0);
    const refused = await commandLine(...`prog profile pinned ${bpffs}/p/filter cycles`.split(" "));
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.err).toContain("'cycles' is a hardware counter, which tsbpf does not read");
  });

  it("visual draws text or DOT, as told", async () => {
    const line = `prog dump xlated pinned ${bpffs}/p/filter visual`;
    const dot = await commandLine(...line.split(" "));
    expect(dot.out).toMatch(/^digraph /);
    expect((await commandLine(...line.split(" "), "dot")).out).toBe(dot.out);
    const text = await commandLine(...line.split(" "), "text");
    expect(text.out).toMatch(/^filter\(\)\n┌ block 0 {2}from entry/);
  });

  it.skipIf(unbuilt !== "")(`a reader that has seen enough ends the command quietly${unbuilt}`, () => {
    const shell = `node ${bin} btf dump file /sys/kernel/btf/vmlinux | head -1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync("bash", ["-c", shell], { encoding: "utf8" });
    expect([stdout.split("\n").slice(1), stderr]).toEqual([["0", ""], ""]);
  });

  it.skipIf(unbuilt !== "")(`colour is for terminals, and not with NO_COLOR${unbuilt}`, () => {
    const shown = (env: Record<string, string>) => {
      const words = `node ${bin} feature list_builtins link_types; node ${bin} verify ${inspectObject}`;
      const { stdout } = spawnSync("script", ["-qec", words, "/dev/null"], {
        encoding: "utf8",
        env: { PATH: process.env.PATH!, TERM: "xterm", ...env },
      });
      return stdout;
    };
    expect(shown({})).toContain("\x1b[");
    expect(shown({ NO_COLOR: "1" })).not.toContain("\x1b[3");
  });
});
