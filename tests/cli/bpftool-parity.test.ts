import { beforeAll, expect, it } from "vitest";
import { commandLine } from "../../packages/cli/src/testing/command-line.js";
import {
  bpftool,
  describeWithBpftool,
  inspectObject,
  mustBpftool,
  privateBpffs,
  withoutLoadTime,
} from "./kernel-state.js";

// The same kernel state, looked at by both: the answers have to be the same, byte by byte. Where they are known to
// differ, docs/bpftool.md says so.
describeWithBpftool("what bpftool and tsbpf say", () => {
  let bpffs: string;

  beforeAll(() => {
    bpffs = privateBpffs();
    mustBpftool("prog", "loadall", inspectObject, `${bpffs}/p`, "pinmaps", `${bpffs}/m`);
    mustBpftool(
      "map",
      "create",
      `${bpffs}/m/untyped`,
      ..."type percpu_hash key 2 value 4 entries 4 name untyped".split(" "),
    );
    for (const words of entries)
      mustBpftool("map", "update", "pinned", `${bpffs}/m/${words[0]}`, ...words[1]!.split(" "));
  });

  const same = (line: string) =>
    it(line, async () => {
      const words = line.replaceAll("B/", `${bpffs}/`).split(" ");
      const theirs = bpftool(...words);
      const ours = await commandLine(...words);
      expect(ours.err).toBe("");
      expect(withoutLoadTime(ours.out)).toBe(withoutLoadTime(theirs.out));
      expect(ours.status === 0).toBe(theirs.status === 0);
      expect(ours.out.length).toBeGreaterThan(1);
    });

  for (const program of [
    "filter",
    "jumped",
    "egress",
    "connect4",
    "on_syscall",
    "on_getppid",
    "dissect",
    "on_message",
  ]) {
    same(`-j prog show pinned B/p/${program}`);
    same(`-jf prog show pinned B/p/${program}`);
    same(`-f prog show pinned B/p/${program}`);
    same(`-j prog dump xlated pinned B/p/${program}`);
  }
  for (const options of ["linum", "opcodes"]) {
    same(`-j prog dump xlated pinned B/p/filter ${options}`);
    same(`prog dump xlated pinned B/p/filter ${options}`);
  }

  for (const map of maps) {
    same(`-j map show pinned B/m/${map}`);
    same(`-jf map show pinned B/m/${map}`);
    same(`-f map show pinned B/m/${map}`);
    if (!withoutEntries.has(map)) {
      same(`-j map dump pinned B/m/${map}`);
      same(`map dump pinned B/m/${map}`);
    }
  }
  for (const [map, key] of [
    ["flows", "1 0 0 0 2 0 0 0 3 0 0 0 4 0 0 0 6 0 0 0"],
    ["flows", "9 0 0 0 2 0 0 0 3 0 0 0 4 0 0 0 6 0 0 0"],
    ["counters", "1 0 0 0"],
    ["plain", "0x1 0 0 00"],
    ["untyped", "hex 1 ff"],
    ["outer", "1 0 0 0"],
    ["outer", "0 0 0 0"],
    ["jumps", "2 0 0 0"],
    ["inspect_rodata", "0 0 0 0"],
  ]) {
    same(`-j map lookup pinned B/m/${map} key ${key}`);
    same(`map lookup pinned B/m/${map} key ${key}`);
  }
  for (const line of ["map getnext pinned B/m/plain key 0 0 0 0", "map getnext pinned B/m/flows"]) {
    same(`-j ${line}`);
    same(line);
  }

  for (const source of [
    "map pinned B/m/flows",
    "map pinned B/m/flows key",
    "map pinned B/m/flows all",
    "prog pinned B/p/filter",
  ]) {
    same(`-j btf dump ${source}`);
    same(`btf dump ${source}`);
  }
  same(`-j btf dump file ${inspectObject}`);
  same("-j btf dump map pinned B/m/routes");
  same("btf dump map pinned B/m/routes format c");
  same("-j btf show id 1");
});

const maps = [
  "inspect_bss",
  "inspect_data",
  "inspect_rodata",
  "events",
  "ring",
  "pile",
  "waiting",
  "routes",
  "recent",
  "counters",
  "plain",
  "flows",
  "jumps",
  "outer",
  "inside",
  "untyped",
];

/** Of these bpftool answers with an empty list and a failure, tsbpf with an error. */
const withoutEntries = new Set(["ring", "pile", "waiting"]);

const entries = [
  [
    "flows",
    "key 1 0 0 0 2 0 0 0 3 0 0 0 4 0 0 0 6 0 0 0 value hex 01 02 03 04 05 06 07 08 fd ff ff ff f3 0f 00 65 74 68 30 00 00 " +
      "00 00 00 11 22 33 44 55 fe ff ff 01 00 00 00 aa bb cc dd 1 0 0 0 2 0 0 0 3 0 0 0 4 0 0 0 0 0 0 0 80 88 ff ff " +
      "00 00 00 00 01 00 00 00 41 00 00 00 00 00 00 00",
  ],
  ["counters", "key 1 0 0 0 value 1 2 3 4 5 6 7 8"],
  ["plain", "key 1 0 0 0 value 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"],
  ["recent", "key 1 2 value 1 2 3"],
  ["untyped", "key hex 1 ff value 1 2 3 255"],
  ["routes", "key 24 0 0 0 10 0 0 0 value 1 0 0 0"],
] as const;
