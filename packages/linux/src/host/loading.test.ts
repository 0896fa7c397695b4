import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { release } from "node:os";
import type { LoadedObject } from "@tsbpf/core/host";
import { VerifierError } from "@tsbpf/core/host";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeKernel } from "../testing/kernel.js";
import { mountPrivately } from "../testing/mounts.js";
import { TestSocket, VethPair } from "../testing/network.js";
import { kernelObject } from "../testing/objects.js";
import { arenaMemory, Linux, type LinuxMap, MappedArray } from "./index.js";

const PINS = "/sys/fs/bpf";
const frame = new Uint8Array(60);
const openFds = () => readdirSync("/proc/self/fd").length;
const parts = (object: LoadedObject) => [...Object.values(object.maps), ...Object.values(object.programs)];

describeKernel("loading an object", () => {
  let host: Linux;
  beforeAll(async () => {
    mountPrivately("bpf", PINS);
    host = await Linux.open();
  });
  afterAll(() => host?.close());

  it("fills in configuration, symbols, functions and constants", async () => {
    const spec = kernelObject("loading");
    spec.variables.get("constant")!.set(1000);
    spec.variables.get("pid")!.set(process.pid);
    using object = await host.load(spec, { programs: ["externs"], pinRoot: null });
    expect(object.program("externs").testRun({}).retval).toBe(1042);
    const get = (name: string) => object.variables[name]!.get();
    const [major, minor] = release().split(".").map(Number) as [number, number];
    expect(Number(get("version")) >> 8).toBe((major << 8) | minor);
    expect(Number(get("hz"))).toBeGreaterThan(0);
    expect([get("has_bpf"), get("has_none"), get("found_task"), get("has_function")]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(get("missing_symbol")).toBe(0n);
    const address = /^([0-9a-f]+) \w bpf_prog_put$/m.exec(readFileSync("/proc/kallsyms", "utf8"))![1];
    expect(get("symbol")).toBe(BigInt(`0x${address}`));
  });

  it("fills maps of maps and prog arrays", async () => {
    using object = await host.load(kernelObject("loading"), { programs: ["entry", "tail_a", "tail_b"], pinRoot: null });
    const run = (which: number) => {
      object.variables.which!.set(which);
      return object.program("entry").testRun({ data: frame }).retval;
    };
    expect([run(0), run(1), run(2), run(3)]).toEqual([100, 101, 100, 103]);
    expect([object.map("first").lookup(0), object.map("second").lookup(0)]).toEqual([7, 7]);
    object.map("outer").update(1, object.map("first"));
    expect(object.map("outer").raw.lookup(Uint8Array.of(1, 0, 0, 0))).toEqual(
      new Uint8Array(Uint32Array.of(object.map("first").info.id).buffer),
    );
  });

  it("shares maps that are pinned by name", async () => {
    const root = `${PINS}/shared`;
    const options = { programs: ["count_shared"], pinRoot: root };
    const first = await host.load(kernelObject("loading"), options);
    const second = await host.load(kernelObject("loading"), options);
    expect(second.map("shared").info.id).toBe(first.map("shared").info.id);
    first.program("count_shared").testRun({ data: frame });
    second.program("count_shared").testRun({ data: frame });
    first.close();
    expect(second.map("shared").lookup(5)).toBe(2n);
    second.close();
    const shown = execFileSync("bpftool", ["-j", "map", "dump", "pinned", `${root}/shared`], { encoding: "utf8" });
    expect(JSON.parse(shown)[0].formatted).toEqual({ key: 5, value: 2 });
    const other = kernelObject("loading");
    other.maps.get("shared")!.maxEntries = 9;
    await expect(host.load(other, options)).rejects.toThrow(
      "the map pinned there has maxEntries 8, the object wants 9",
    );
  });

  it("opens what bpftool has pinned", async () => {
    const path = `${PINS}/by-bpftool`;
    const create = ["map", "create", path, "type", "hash", "key", "4", "value", "8", "entries", "8", "name", "shared"];
    execFileSync("bpftool", create);
    mkdirSync(`${PINS}/other`);
    using map = host.openMap(path);
    map.update(Uint8Array.of(1, 0, 0, 0), 77);
    const shown = execFileSync("bpftool", ["-j", "map", "dump", "pinned", path], { encoding: "utf8" });
    expect(JSON.parse(shown)).toEqual([
      { key: ["0x01", "0x00", "0x00", "0x00"], value: ["0x4d", ...Array(7).fill("0x00")] },
    ]);
    expect(() => host.openMap(`${PINS}/nothing`)).toThrow("nothing is pinned there");
  });

  it("says where pins belong", async () => {
    const options = { programs: ["count_shared"], pinRoot: "/tmp/tsbpf-no-bpffs" };
    await expect(host.load(kernelObject("loading"), options)).rejects.toThrow("is not in a bpffs");
    expect(existsSync("/tmp/tsbpf-no-bpffs")).toBe(false);
  });

  it("names the source line that the verifier refuses, and leaves nothing behind", async () => {
    const root = `${PINS}/failed`;
    const before = openFds();
    const load = host.load(kernelObject("loading"), { programs: ["count_shared", "refused"], pinRoot: root });
    const error = await load.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(VerifierError);
    const refusal = error as VerifierError;
    expect(refusal.reason).toBe("R1 offset is outside of the packet");
    expect(refusal.line?.text.trim()).toBe("return *(__u8 *)data;");
    expect(refusal.line?.file).toMatch(/loading\.bpf\.c$/);
    expect(openFds()).toBe(before);
    expect(readdirSync(root)).toEqual([]);
  });

  it("keeps the log when asked to", async () => {
    using object = await host.load(kernelObject("loading"), { programs: ["tail_a"], pinRoot: null, logLevel: 4 });
    expect(object.program("tail_a").log).toContain("processed 2 insns");
  });

  it("puts variables where programs see them, without disturbing their neighbours", async () => {
    using object = await host.load(kernelObject("loading"), { programs: ["externs"], pinRoot: null });
    const map = object.map(".data").raw as LinuxMap;
    const array = new MappedArray(object.map(".data"));
    expect(array.length).toBe(1);
    object.variables.initialised!.set(5);
    expect(object.program("externs").testRun({}).retval).toBe(6);
    const before = array.bytes(0).slice();
    object.variables.initialised!.set(6);
    expect(array.bytes(0)).not.toEqual(before);
    expect(map.lookup(new Uint8Array(4))).toEqual(array.bytes(0));
    expect(() => array.bytes(1)).toThrow("elements 0 to 0");
    expect(() => object.variables.constant!.set(1)).toThrow("EPERM");
    const constants = new MappedArray(object.map(".rodata"));
    constants.bytes(0).fill(9);
    expect(constants.bytes(0)).toEqual(object.map(".rodata").raw.lookup(new Uint8Array(4)));
    expect(() => constants.set(0, {})).toThrow("frozen or read-only");
  });

  it("maps an arena before its programs load", async () => {
    using object = await host.load(kernelObject("arena"), { pinRoot: null });
    const memory = new Int32Array(arenaMemory(object.map("arena")).buffer);
    const { offset } = object.variables.hits!.spec;
    expect(memory[offset / 4]).toBe(3);
    memory[offset / 4] = 40;
    expect(object.program("touch").testRun({}).retval).toBe(41);
    expect(memory[offset / 4]).toBe(41);
    expect(memory[object.variables.table!.spec.offset / 4 + 2]).toBe(41);
  });

  it("does not leak over many rounds", async () => {
    const spec = kernelObject("loading");
    const options = { programs: ["entry", "tail_a", "tail_b"], pinRoot: null };
    for (let i = 0; i < 5; i++) (await host.load(spec, options)).close();
    const before = openFds();
    for (let i = 0; i < 30; i++) (await host.load(spec, options)).close();
    expect(openFds()).toBe(before);
    const object = await host.load(spec, options);
    object.close();
    for (const part of parts(object))
      expect(() => (part as { raw?: LinuxMap }).raw?.fd ?? (part as never as LinuxMap).fd).toThrow();
  });
});

describeKernel("struct_ops", () => {
  it("a congestion control is in force while its link is open", async () => {
    using veth = new VethPair();
    using host = await Linux.open();
    using object = await host.load(kernelObject("congestion"));
    const congestion = (name: string) => {
      const path = "/proc/sys/net/ipv4/tcp_available_congestion_control";
      return veth.left.run(() => readFileSync(path, "utf8")).includes(name);
    };
    for (const [map, name] of [
      ["linked", "tsbpf_linked"],
      ["written", "tsbpf_written"],
    ] as const) {
      const link = host.attachStructOps(object.map(map));
      expect(congestion(name)).toBe(true);
      const before = Number(object.variables.connections!.get());
      const listener = veth.left.run(() => TestSocket.tcp().bind("127.0.0.1", 0).listen());
      const client = veth.left.run(() => TestSocket.tcp().congestion(name).connect("127.0.0.1", listener.localPort()));
      client.send(new Uint8Array(10_000));
      expect(Number(object.variables.connections!.get())).toBeGreaterThan(before);
      expect(Number(object.variables.acknowledgements!.get())).toBeGreaterThan(0);
      client.close();
      listener.close();
      link.close();
      expect(congestion(name)).toBe(false);
    }
  });
});
