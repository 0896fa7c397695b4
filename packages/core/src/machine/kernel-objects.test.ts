import { describe, expect, it } from "vitest";
import { assembleProgram, contractFrame, errnoOf, mapSpec, testFrame } from "../host/testing/index.js";
import { readObject } from "../object/index.js";
import { fixture } from "../object/testing/fixtures.js";
import { Machine } from "./index.js";

const drop = assembleProgram("xdp", "r0 = 1; exit");

describe("objects of a Machine", () => {
  it("are 64 maps to a program at most, verified or not", async () => {
    using machine = new Machine();
    const load = (count: number, verify: boolean) => {
      const names = Array.from({ length: count }, (_, index) => `map${index}`);
      const specs = Object.fromEntries(names.map((name) => [name, mapSpec("array", { name, maxEntries: 1 })]));
      const maps = Object.fromEntries(names.map((name) => [name, machine.createMap(specs[name]!)]));
      const source = `${names.map((name) => `r1 = map[${name}]`).join("; ")}; r0 = 2; exit`;
      return machine.loadProgram(assembleProgram("xdp", source, { maps: specs }), { maps, verify });
    };
    for (const verify of [true, false]) {
      (await load(64, verify)).close();
      await expect(load(65, verify)).rejects.toMatchObject({ errnoName: "E2BIG" });
    }
  });

  it("tell what bpf(2) tells", async () => {
    using machine = new Machine();
    const spec = mapSpec("array", { name: "hits" });
    using hits = machine.createMap(spec);
    const source = "r1 = map[hits]; r0 = 2; exit";
    using program = await machine.loadProgram(assembleProgram("xdp", source, { maps: { hits: spec } }), {
      maps: { hits },
    });
    expect(program.info()).toMatchObject({
      id: 1,
      name: "contract",
      createdByUid: 0,
      mapIds: [hits.info.id],
      runCount: 0n,
    });
    program.testRun({ data: testFrame });
    expect(program.info().runCount).toBe(0n);
    using statistics = machine.enableStatistics();
    program.testRun({ data: testFrame, repeat: 3 });
    statistics.close();
    program.testRun({ data: testFrame });
    expect(program.info().runCount).toBe(3n);
    expect(machine.programIds).toEqual([1]);
    expect(machine.mapIds).toEqual([hits.info.id]);
    using again = machine.programById(1);
    program.close();
    expect(again.testRun({ data: testFrame }).retval).toBe(2);
    again.close();
    expect(machine.programIds).toEqual([]);
    expect(errnoOf(() => machine.programById(1))).toBe("ENOENT");
    expect(errnoOf(() => program.info())).toBe("EBADF");
  });

  it("are found by id, with the types that they were loaded with", async () => {
    using machine = new Machine();
    const bytes = fixture("global-data.clang-19");
    const object = await machine.load(readObject(bytes), { programs: [] });
    const map = object.map(".data");
    using again = machine.mapById(map.info.id);
    expect(again.info).toEqual(map.info);
    expect(again.codecs.value.decode(again.raw.lookup(new Uint8Array(4))!)).toEqual(
      map.codecs.value.decode(map.raw.lookup(new Uint8Array(4))!),
    );
    expect(machine.btfIds).toEqual([1]);
    expect(machine.btfById(1).length).toBe(readObject(bytes).btf!.length);
    object.close();
    expect(machine.btfIds).toEqual([1]);
    again.close();
    expect(machine.btfIds).toEqual([]);
    expect(errnoOf(() => machine.btfById(1))).toBe("ENOENT");
    expect(errnoOf(() => machine.mapById(1))).toBe("ENOENT");
  });

  it("live while they are pinned, and are opened again", async () => {
    using machine = new Machine();
    const device = machine.network.initial.createCapture("eth0");
    using program = await machine.loadProgram(drop);
    using map = machine.createMap(mapSpec("hash"));
    map.update(1, new Uint8Array(8).fill(7));
    using link = machine.attachXdp(program, device);
    expect(link.place?.device.name).toBe("eth0");
    machine.bpffs.mkdir("/app");
    machine.pin("/app/drop", program);
    machine.pin("/app/map", map);
    machine.pin("/app/link", link);
    for (const handle of [program, map, link]) handle.close();
    expect(machine.bpffs.list("/app")).toEqual([
      { name: "drop", kind: "prog", id: 1 },
      { name: "link", kind: "link", id: 1 },
      { name: "map", kind: "map", id: map.info.id },
    ]);
    device.receive(contractFrame(1));
    expect(device.counters.xdpDrop).toBe(1);
    using mapAgain = machine.openMap("/app/map");
    expect(mapAgain.lookup(1)).toEqual(new Uint8Array(8).fill(7));
    using programAgain = machine.openProgram("/app/drop");
    expect(programAgain.testRun({ data: testFrame }).retval).toBe(1);
    using linkAgain = machine.openLink("/app/link");
    expect(linkAgain.program.id).toBe(1);
    expect(errnoOf(() => machine.openMap("/app/drop"))).toBe("EINVAL");
    linkAgain.close();
    device.receive(contractFrame(2));
    expect(device.counters.xdpDrop).toBe(2);
    machine.bpffs.unlink("/app/link");
    expect(machine.linkIds).toEqual([]);
    device.receive(contractFrame(3));
    expect(device.counters.xdpDrop).toBe(2);
    expect(errnoOf(() => machine.pin("/app/x", program))).toBe("EBADF");
  });

  it("have names as a bpffs has them", async () => {
    using machine = new Machine();
    using program = await machine.loadProgram(drop);
    const { bpffs } = machine;
    machine.pin("/a", program);
    expect(errnoOf(() => machine.pin("/a", program))).toBe("EEXIST");
    expect(errnoOf(() => machine.pin("/none/a", program))).toBe("ENOENT");
    expect(errnoOf(() => machine.pin("/a/b", program))).toBe("ENOTDIR");
    expect(errnoOf(() => machine.pin("/a.b", program))).toBe("EPERM");
    bpffs.mkdir("/d");
    bpffs.rename("/a", "/d/b");
    expect(errnoOf(() => bpffs.get("/a"))).toBe("ENOENT");
    expect(errnoOf(() => bpffs.get("/d"))).toBe("EISDIR");
    expect(errnoOf(() => bpffs.rmdir("/d"))).toBe("ENOTEMPTY");
    expect(errnoOf(() => bpffs.rename("/d", "/d/e"))).toBe("EINVAL");
    expect(errnoOf(() => bpffs.unlink("/d"))).toBe("EISDIR");
    bpffs.unlink("/d/b");
    bpffs.rmdir("/d");
    expect(bpffs.list()).toEqual([]);
  });

  it("leave nothing behind after many pins and unpins", async () => {
    using machine = new Machine();
    const warm = await machine.loadProgram(drop);
    warm.close();
    const { blocks, bytes } = machine.runtime.memory.stats;
    for (let round = 0; round < 200; round++) {
      using program = await machine.loadProgram(drop);
      using map = machine.createMap(mapSpec("hash"));
      for (let pin = 0; pin < 50; pin++) {
        machine.pin(`/p${pin}`, program);
        machine.pin(`/m${pin}`, map);
      }
      program.close();
      map.close();
      machine.bpffs.clear();
    }
    expect(machine.runtime.memory.stats).toMatchObject({ blocks, bytes });
    expect([machine.programIds, machine.mapIds, machine.bpffs.pins]).toEqual([[], [], 0]);
  });
});
