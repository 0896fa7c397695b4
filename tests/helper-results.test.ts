import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { type Host, Machine, readObject } from "@tsbpf/core";
import { Linux } from "@tsbpf/linux";
import { describe, expect, it } from "vitest";
import { testFrame } from "../packages/core/src/host/testing/index.js";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

const folder = new URL("../testdata/helpers/", import.meta.url);
/** What Linux 6.18 answers; `vitest -u` on such a kernel writes it anew. */
const recorded = new URL("linux-6.18.txt", folder);
const objects = ["numbers", "maps", "network", "kfuncs", "timers"];

/** Every program by itself, with fresh maps: a line for each number and text that it leaves. */
async function outcome(host: Host): Promise<string> {
  const lines: string[] = [];
  for (const name of objects) {
    const spec = readObject(readFileSync(new URL(`${name}.bpf.o`, folder)));
    for (const program of spec.programs.keys()) {
      const programs = program === "tail_self" ? [program] : [...new Set([program, "tail_self"])];
      using object = await host.load(spec, { programs: programs.filter((each) => spec.programs.has(each)) });
      if (object.maps.devices !== undefined) {
        object.map("devices").update(1, 1);
        object.map("devices_by_name").update(1, 1);
      }
      const { retval } = object.program(program).testRun({ data: testFrame });
      // Timers of the kernel's real clock and of the Machine's.
      if (name === "timers") await (host instanceof Machine ? host.advance(50e6) : setTimeout(50));
      lines.push(`${name} ${program} returns ${retval}`);
      for (const [index, value] of object.map("results")) if (value !== 0n) lines.push(`  ${index}: ${value}`);
      if (object.maps.texts !== undefined) lines.push(...texts(object.map("texts")));
      if (name === "timers") lines.push(...fired(object.map("array")), ...fired(object.map("hash")));
      if (object.maps.ring !== undefined) {
        using events = object.map("ring").events();
        const sent = events.drain().map(({ value }) => Buffer.from(value as Uint8Array).toString("hex"));
        lines.push(...counted(sent.map((bytes) => `event ${bytes}`)));
      }
    }
  }
  return `${lines.join("\n")}\n`;
}

function texts(map: Iterable<readonly unknown[]>): string[] {
  const lines: string[] = [];
  for (const [index, value] of map) {
    const { string, result } = value as { string: string; result: bigint };
    if (result !== 0n) lines.push(`  ${index}: ${result} '${string}'`);
  }
  return lines;
}

function fired(map: Iterable<readonly unknown[]>): string[] {
  return [...map].map(([key, value]) => {
    const element = value as { fired: bigint; key: bigint };
    return `  timer of ${key} fired ${element.fired} times, with key ${element.key}`;
  });
}

/** Neighbours that are alike become one line. */
function counted(lines: string[]): string[] {
  const runs: { line: string; times: number }[] = [];
  for (const line of lines) {
    const last = runs.at(-1);
    if (last?.line === line) last.times++;
    else runs.push({ line, times: 1 });
  }
  return runs.map(({ line, times }) => `  ${line}${times === 1 ? "" : ` (${times} times)`}`);
}

describe("helpers", () => {
  it("answer in the Machine as recorded on Linux", async () => {
    using machine = new Machine({ cpus: 2 });
    expect((await outcome(machine)).split("\n")).toEqual(readFileSync(recorded, "utf8").split("\n"));
  });
});

describeKernel("helpers of the kernel", () => {
  it("answer as recorded", async () => {
    using linux = await Linux.open();
    await expect(await outcome(linux)).toMatchFileSnapshot(recorded.pathname);
  });
});
