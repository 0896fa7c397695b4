import { EBADF, EINVAL, ENOMEM, ENOTSOCK } from "@tsbpf/core/abi";
import { createMap, type LiveMap, MapCore, type MapReferences } from "@tsbpf/core/maps";
import { LinearMemory } from "@tsbpf/core/wasm";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { libc, loadProgram, mapInfo, possibleCpus, programInfo } from "../../packages/linux/src/sys/index.js";
import { describeKernel } from "../../packages/linux/src/testing/kernel.js";
import { type Attributes, KernelMap } from "./kernel-map.js";

// Maps whose values name other things, beside the kernel's: inner maps, programs and devices that exist on both sides
// under the same file descriptors and indexes.

const LOOPBACK = 1;
const XDP = 6;
const EXIT_0 = new Uint8Array([0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
const NO_FD = 9999;

const arrayOf4: Attributes = { type: "array", keySize: 4, valueSize: 4, maxEntries: 4 };
const inner: Attributes[] = [
  arrayOf4,
  { ...arrayOf4 },
  { ...arrayOf4, maxEntries: 5 },
  { ...arrayOf4, valueSize: 8 },
  { ...arrayOf4, flags: 128 },
  { ...arrayOf4, flags: 8 },
  { type: "hash", keySize: 4, valueSize: 4, maxEntries: 4 },
  { type: "hash", keySize: 4, valueSize: 4, maxEntries: 9 },
  { type: "hash", keySize: 4, valueSize: 4, maxEntries: 9, flags: 1 },
];

describeKernel("values that name other things are taken as by the running kernel", () => {
  const kernelInner: KernelMap[] = [];
  const machineInner = new Map<number, LiveMap>();
  let core: MapCore;
  let program: number;
  let held: number;
  let references: MapReferences;

  beforeAll(() => {
    core = new MapCore({ memory: new LinearMemory(), cpus: possibleCpus() });
    const loaded = loadProgram({ type: XDP, insns: EXIT_0, license: "GPL" });
    if (loaded.result < 0) throw new Error("the program does not load");
    program = loaded.result;
    held = 0;
    references = {
      acquireMap: (fd) => {
        const map = machineInner.get(fd);
        if (map === undefined) return fd === program ? -EINVAL : -EBADF;
        held++;
        return map;
      },
      releaseMap: () => held--,
      acquire: (map, _, { target, program: behind }) => {
        // A program for a device or CPU map would have to be loaded for that; this one wasn't.
        if (map.type === "cpumap" && behind !== undefined) return -ENOMEM;
        if (map.type.startsWith("devmap") && (target !== LOOPBACK || behind !== undefined)) return -EINVAL;
        if (map.type === "prog_array" && target !== program) return machineInner.has(target) ? -EINVAL : -EBADF;
        if (map.type === "xskmap") return machineInner.has(target) || target === program ? -ENOTSOCK : -EBADF;
        if (map.type === "perf_event_array" || map.type === "cgroup_array") return -EBADF;
        held++;
        return { handle: target, id: map.type === "prog_array" ? programInfo(program).id : 0 };
      },
      release: () => held--,
    };
    for (const attributes of inner) {
      const map = new KernelMap(attributes);
      kernelInner.push(map);
      machineInner.set(map.fd, createMap(core, attributes));
    }
  });

  afterAll(() => {
    for (const map of kernelInner) map.close();
    libc().close(program);
  });

  const subjects: (readonly [Attributes, number])[] = [
    [{ type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 3 }, -1],
    [{ type: "perf_event_array", keySize: 4, valueSize: 4, maxEntries: 3 }, -1],
    [{ type: "cgroup_array", keySize: 4, valueSize: 4, maxEntries: 3 }, -1],
    [{ type: "devmap", keySize: 4, valueSize: 4, maxEntries: 3 }, -1],
    [{ type: "devmap", keySize: 4, valueSize: 8, maxEntries: 3 }, -1],
    [{ type: "devmap_hash", keySize: 4, valueSize: 4, maxEntries: 2 }, -1],
    [{ type: "devmap_hash", keySize: 4, valueSize: 8, maxEntries: 2 }, -1],
    [{ type: "cpumap", keySize: 4, valueSize: 4, maxEntries: 4 }, -1],
    [{ type: "cpumap", keySize: 4, valueSize: 8, maxEntries: 4 }, -1],
    [{ type: "xskmap", keySize: 4, valueSize: 4, maxEntries: 3 }, -1],
    ...inner.flatMap((_, at) =>
      (["array_of_maps", "hash_of_maps"] as const).map(
        (type) => [{ type, keySize: 4, valueSize: 4, maxEntries: 3 }, at] as const,
      ),
    ),
  ];

  it.each(
    subjects.map(([attributes, at]) => [`${attributes.type} ${attributes.valueSize} ${at}`, attributes, at] as const),
  )("%s", (_, attributes, template) => {
    // Small numbers are file descriptors of this process, which the Machine here knows nothing of.
    const numbers = attributes.type.startsWith("devmap") || attributes.type === "cpumap";
    const targets = () =>
      numbers ? [0, LOOPBACK, 192, 16385, NO_FD] : [program, NO_FD, ...kernelInner.map(({ fd }) => fd)];
    const step = fc.record({
      kind: fc.constantFrom("update", "update", "update", "lookup", "delete", "take", "next", "batch"),
      key: fc.nat(4),
      target: fc.nat(targets().length - 1),
      behind: fc.constantFrom(0, 0, 0, 0xffff_ffff, NO_FD, program),
      flags: fc.constantFrom(0, 0, 0, 1, 2, 3, 4),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const kernel = new KernelMap(attributes, kernelInner[template]?.fd);
        const machine = createMap(core, attributes, {
          references,
          inner: machineInner.get(kernelInner[template]?.fd ?? -1),
        });
        try {
          for (const { kind, key, target, behind, flags } of steps) {
            const answers = [kernel, machine].map((map) => {
              const keyBytes = u32(key);
              const out = new Uint8Array(attributes.valueSize);
              switch (kind) {
                case "update":
                  return [
                    map.update(keyBytes, u32(targets()[target]!, behind).subarray(0, attributes.valueSize), flags),
                  ];
                case "lookup":
                  return [map.lookup(keyBytes, out), ...idsAsPlaces(attributes, out)];
                case "delete":
                  return [map.delete(keyBytes)];
                case "take":
                  return [map.lookupAndDelete(keyBytes, out)];
                case "next":
                  return attributes.type.includes("hash") ? [] : [map.nextKey(keyBytes, out), ...out];
                default: {
                  const { error } = map.lookupBatch(
                    undefined,
                    new Uint8Array(4),
                    new Uint8Array(64),
                    new Uint8Array(128),
                    16,
                  );
                  return [error];
                }
              }
            });
            expect({ kind, key, target, behind, flags, answer: answers[1] }).toEqual({
              kind,
              key,
              target,
              behind,
              flags,
              answer: answers[0],
            });
          }
        } finally {
          kernel.close();
          machine.close();
        }
        // Every reference is given back.
        expect(held).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  /** Ids differ between kernel and Machine: inner maps are compared by which one they are. */
  function idsAsPlaces({ type }: Attributes, value: Uint8Array): number[] {
    const [id] = new Uint32Array(value.slice().buffer, 0, 1) as unknown as [number];
    if (!type.endsWith("_of_maps") || id === 0) return [...value];
    const machine = [...machineInner.values()].findIndex((map) => map.id === id);
    return [machine >= 0 ? machine : kernelInner.findIndex(({ fd }) => mapInfo(fd).id === id)];
  }
});

function u32(...values: number[]): Uint8Array {
  return new Uint8Array(new Uint32Array(values).buffer);
}
