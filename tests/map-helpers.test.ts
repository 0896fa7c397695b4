import {
  encodeInstructions,
  helperMapRules,
  helperPrototypes,
  type Instruction,
  type MapType,
  mapHelperRules,
  mapTypes,
  type ProgramType,
} from "@tsbpf/core";
import { kernelProblem, type OracleMap, verifyOnKernel } from "@tsbpf/linux";
import { describe, expect, it } from "vitest";

const insn = (opcode: number, dst: number, src: number, offset: number, imm: number): Instruction => ({
  opcode,
  dst,
  src,
  offset,
  imm,
});

/** Attributes that differ from 4-byte keys, 8-byte values and 4 entries. */
const shapes: Partial<Record<MapType, Partial<OracleMap>>> = {
  prog_array: { valueSize: 4 },
  perf_event_array: { valueSize: 4 },
  cgroup_array: { valueSize: 4 },
  array_of_maps: { valueSize: 4, innerFd: 2 },
  hash_of_maps: { valueSize: 4, innerFd: 2 },
  devmap: { valueSize: 4 },
  devmap_hash: { valueSize: 4 },
  cpumap: { valueSize: 4 },
  xskmap: { valueSize: 4 },
  sockmap: { valueSize: 4 },
  sockhash: { valueSize: 4 },
  lpm_trie: { keySize: 8, flags: 1 },
  cgroup_storage: { keySize: 8, maxEntries: 0 },
  percpu_cgroup_storage: { keySize: 8, maxEntries: 0 },
  queue: { keySize: 0 },
  stack: { keySize: 0 },
  bloom_filter: { keySize: 0 },
  ringbuf: { keySize: 0, valueSize: 0, maxEntries: 4096 },
  user_ringbuf: { keySize: 0, valueSize: 0, maxEntries: 4096 },
};

// Those that need BTF for their values or struct ids at creation, which is another test's matter.
const uncreated: readonly MapType[] = [
  "sk_storage",
  "inode_storage",
  "task_storage",
  "cgrp_storage",
  "struct_ops",
  "arena",
];

/** A call with the map in the argument where the helper takes one, and scalars or the context elsewhere. */
function callWith(helper: (typeof helperPrototypes)[number]): Instruction[] | undefined {
  const mapArgument = helper.args.findIndex(({ kind }) => kind === "const_map_ptr") + 1;
  // A context in r1 is checked before the map; anything else before it would fail for its own reason.
  if (mapArgument === 0 || (mapArgument === 2 && helper.args[0]?.kind !== "ctx")) return undefined;
  return [
    insn(0x18, mapArgument, 1, 0, 1),
    ...[2, 3, 4, 5].filter((n) => n > mapArgument).map((n) => insn(0xb7, n, 0, 0, 0)),
    insn(0x85, 0, 0, 0, helper.id),
    insn(0xb7, 0, 0, 0, 0),
    insn(0x95, 0, 0, 0, 0),
  ];
}

const problem = kernelProblem();
const suite = describe.skipIf(problem !== undefined);

suite(`maps and the helpers that take them, asked of the kernel${problem ? ` (${problem})` : ""}`, () => {
  const forMap = new Map(mapHelperRules.map(({ map, helpers }) => [map, helpers]));
  const forHelper = new Map(helperMapRules.map(({ helper, maps }) => [helper, maps]));
  const hosts: ProgramType[] = ["sched_cls", "xdp", "kprobe", "sk_msg", "sk_skb", "sk_reuseport", "cgroup_skb"];

  it("agree pair by pair", () => {
    const wrong: string[] = [];
    let pairs = 0;
    for (const { name: map } of mapTypes) {
      if (uncreated.includes(map)) continue;
      const inner: OracleMap = { fd: 2, type: "array", keySize: 4, valueSize: 8, maxEntries: 1 };
      const maps = [inner, { fd: 1, type: map, keySize: 4, valueSize: 8, maxEntries: 4, ...shapes[map] }];
      for (const helper of helperPrototypes) {
        const body = callWith(helper);
        if (body === undefined) continue;
        // map_update_elem and its like want their key before the map is judged together with the helper.
        for (const type of hosts) {
          const { log, errnoName } = verifyOnKernel({ insns: encodeInstructions(body), type, license: "GPL", maps });
          if (log === "") throw new Error(`${map} in ${type}: ${errnoName}`);
          if (
            /cannot use helper|expected=|misaligned|invalid|is not allowed|sleep|tail_call/.test(log) &&
            !log.includes("cannot pass map_type")
          )
            continue;
          pairs++;
          const refused = log.includes("cannot pass map_type");
          const takes = forMap.get(map)?.includes(helper.name) ?? true;
          const taken = forHelper.get(helper.name)?.includes(map) ?? true;
          if (refused === (takes && taken))
            wrong.push(`${map} ${helper.name} in ${type}: ${log.trim().split("\n").at(-4)}`);
          break;
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(pairs).toBeGreaterThan(300);
  });
});
