import { execFileSync } from "node:child_process";
import type { LoadedObject } from "@tsbpf/core/host";
import koffi from "koffi";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Linux } from "../host/index.js";
import { describeKernel } from "../testing/kernel.js";
import { mountPrivately } from "../testing/mounts.js";
import { kernelObject } from "../testing/objects.js";

const getppid = koffi.load(null).func("int getppid()");
const libcPath = execFileSync("sh", ["-c", "ldconfig -p | sed -n 's/.*libc\\.so\\.6.*=> //p' | head -1"], {
  encoding: "utf8",
}).trim();

describeKernel("programs that trace", () => {
  let host: Linux;
  let object: LoadedObject;

  beforeAll(async () => {
    mountPrivately("tracefs", "/sys/kernel/tracing");
    host = await Linux.open();
    const spec = kernelObject("tracing");
    spec.variables.get("target_pid")!.set(process.pid);
    const programs = ["on_tracepoint", "on_raw_tracepoint", "on_typed_tracepoint", "on_sample", "on_function"];
    object = await host.load(spec, { programs: [...programs, "on_functions", "walk_map"] });
  });
  afterAll(() => host?.close());

  const runs = () => Number(object.variables.runs!.get());
  const cookie = () => object.variables.last_cookie!.get();
  const linkKinds = () =>
    (
      JSON.parse(execFileSync("bpftool", ["-j", "link"], { encoding: "utf8" })) as { id: number; prog_id: number }[]
    ).map(({ id }) => id);
  /** Runs of the program while `action` happens three times. */
  const during = (action: () => void) => {
    const before = runs();
    for (let i = 0; i < 3; i++) action();
    return runs() - before;
  };

  it("see a tracepoint, with a cookie", () => {
    const link = host.attachTracepoint(object.program("on_tracepoint"), undefined, { cookie: 77n });
    expect(linkKinds()).toContain(link.id);
    expect(during(getppid)).toBe(3);
    expect(cookie()).toBe(77n);
    link.close();
    expect(during(getppid)).toBe(0);
    expect(linkKinds()).not.toContain(link.id);
  });

  it("name a tracepoint that is missing", () => {
    expect(() => host.attachTracepoint(object.program("on_tracepoint"), "syscalls/sys_enter_nothing")).toThrow(
      "there is no tracepoint syscalls/sys_enter_nothing",
    );
    expect(() => host.attachTracepoint(object.program("on_tracepoint"), "../../etc/passwd")).toThrow("no tracepoint");
  });

  for (const name of ["on_raw_tracepoint", "on_typed_tracepoint"]) {
    it(`see system calls by ${name}`, () => {
      const link = host.attachRawTracepoint(object.program(name));
      expect(during(getppid)).toBe(3);
      link.close();
      expect(during(getppid)).toBe(0);
    });
  }

  it("sample a clock", () => {
    const link = host.attachPerf(object.program("on_sample"), {
      type: 1,
      config: 0,
      frequency: 1000,
      pid: 0,
    });
    const before = runs();
    // The clock counts this thread's time on a CPU, which on a busy machine is a part of the wall clock's.
    const end = Date.now() + 5000;
    while (runs() <= before + 10 && Date.now() < end);
    expect(runs()).toBeGreaterThan(before + 10);
    link.close();
  });

  for (const atReturn of [false, true]) {
    it(`see a library's function ${atReturn ? "return" : "called"}`, () => {
      const options = { symbol: "getppid", pid: process.pid, cookie: 5n, return: atReturn };
      const link = host.attachUprobe(object.program("on_function"), libcPath, options);
      expect(link.kind).toBe(atReturn ? "uretprobe" : "uprobe");
      expect(during(getppid)).toBe(3);
      expect(cookie()).toBe(5n);
      link.close();
      expect(during(getppid)).toBe(0);
    });
  }

  it("see several functions through one link, each with its cookie", () => {
    const getuid = koffi.load(null).func("int getuid()");
    const places = [
      { symbol: "getppid", cookie: 1n },
      { symbol: "getuid", cookie: 2n },
    ];
    const link = host.attachUprobeMulti(object.program("on_functions"), libcPath, { places, pid: process.pid });
    expect(during(getuid)).toBeGreaterThanOrEqual(3);
    expect(cookie()).toBe(2n);
    expect(during(getppid)).toBeGreaterThanOrEqual(3);
    expect(cookie()).toBe(1n);
    link.close();
    expect(during(getppid)).toBe(0);
  });

  it("see a function called and, in the same session, return", async () => {
    const spec = kernelObject("hooks");
    spec.variables.get("target_pid")!.set(process.pid);
    using hooks = await host.load(spec, { programs: ["on_session"] });
    const get = (name: string) => Number(hooks.variables[name]!.get());
    const places = [{ symbol: "getppid" }];
    const link = host.attachUprobeMulti(hooks.program("on_session"), libcPath, { places, pid: process.pid });
    for (let i = 0; i < 3; i++) getppid();
    expect([get("runs"), get("returns"), get("last_cookie")]).toEqual([3, 3, 1003]);
    link.close();
    getppid();
    expect(get("runs")).toBe(3);
  });

  it("see several functions return", () => {
    const places = [{ symbol: "getppid", cookie: 8n }];
    const options = { places, pid: process.pid, return: true };
    const link = host.attachUprobeMulti(object.program("on_functions"), libcPath, options);
    expect(during(getppid)).toBe(3);
    expect(cookie()).toBe(8n);
    link.close();
    expect(during(getppid)).toBe(0);
  });

  it("say which function a file lacks", () => {
    expect(() => host.attachUprobe(object.program("on_function"), libcPath, { symbol: "no_such_function" })).toThrow(
      "has no function no_such_function",
    );
    expect(() => host.attachUprobe(object.program("on_function"), "/etc/passwd", { symbol: "x" })).toThrow(
      "not an ELF file",
    );
  });

  it("read a map through an iterator", () => {
    const numbers = object.map("numbers");
    for (let key = 1; key <= 3; key++) numbers.update(key, BigInt(key * 10));
    using link = host.attachIterator(object.program("walk_map"), { map: numbers });
    const bytes = link.read();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const read = Array.from({ length: bytes.length / 12 }, (_, i) => [
      view.getUint32(i * 12, true),
      view.getBigUint64(i * 12 + 4, true),
    ]);
    expect(read.sort()).toEqual([
      [1, 10n],
      [2, 20n],
      [3, 30n],
    ]);
    numbers.delete(2);
    expect(link.read().length).toBe(24);
  });
});
