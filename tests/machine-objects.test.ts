import { readdirSync, readFileSync } from "node:fs";
import {
  BpfError,
  decodeSlots,
  type Host,
  helperPrototypes,
  type LoadedObject,
  Machine,
  NotSupportedError,
  type ObjectSpec,
  type ProgramSpec,
  readObject,
  SyscallError,
} from "@tsbpf/core";
import { loadKernelTypes } from "@tsbpf/core/kernel-types";
import { CaptureReader } from "@tsbpf/core/packet";
import { Linux } from "@tsbpf/linux";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testFrame } from "../packages/core/src/host/testing/index.js";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

const root = new URL("../", import.meta.url);
const kernelTypes = await loadKernelTypes();

/** What answers from outside of the program, its packet and its maps. */
const outside = new Set(
  helperPrototypes
    .filter(({ name }) =>
      /^(ktime_|jiffies|get_prandom|get_smp_processor|get_numa|get_current|fib_lookup|check_mtu|sk|get_listener|tcp_|get_socket|get_netns|get_cgroup|get_route_realm|perf_event|clone_redirect|timer_|get_hash)/.test(
        name,
      ),
    )
    .map(({ id }) => id),
);

function objects(): { readonly path: string; readonly spec: ObjectSpec }[] {
  return ["examples", "testdata"]
    .flatMap((folder) =>
      readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" }).map((path) => `${folder}/${path}`),
    )
    .filter((path) => path.endsWith(".o"))
    .sort()
    .flatMap((path) => {
      try {
        return [{ path, spec: readObject(readFileSync(new URL(path, root))) }];
      } catch (error) {
        if (error instanceof BpfError) return [];
        throw error;
      }
    });
}

const isPacketProgram = ({ type }: ProgramSpec) => type === "xdp" || type === "sched_cls" || type === "sched_act";

function readsOutside({ insns }: ProgramSpec): boolean {
  const slots = decodeSlots(insns);
  for (let slot = 0; slot < slots.length; slot++) {
    if (slots.opcode[slot] === 0x18) slot++;
    else if (slots.opcode[slot] === 0x85 && slots.src[slot] === 0 && outside.has(slots.imm[slot]!)) return true;
  }
  return false;
}

/** The first frames of each capture, a frame without anything behind its header, and one of TCP. */
const frames: readonly Uint8Array[] = [
  testFrame,
  new Uint8Array(14),
  ...["web", "dns", "ping6", "vlan", "port-scan", "syn-flood"].flatMap((name) => {
    const reader = new CaptureReader();
    reader.push(readFileSync(new URL(`examples/captures/${name}.pcap`, root)));
    const all: Uint8Array[] = [];
    for (let packet = reader.next(); packet !== undefined && all.length < 8; packet = reader.next())
      if (packet.data.length >= 14 && packet.data.length <= 3520) all.push(packet.data.slice());
    return all;
  }),
];

interface Outcome {
  readonly refused?: string;
  readonly runs: readonly string[];
  readonly maps: readonly string[];
  /** Values of the kernel's configuration that the object asks for. */
  readonly kconfig: Kconfig;
}

/** An object whose maps are its own: none is shared with another run by a pin. */
function unpinned(path: string): ObjectSpec {
  const spec = readObject(readFileSync(new URL(path, root)));
  for (const map of spec.maps.values()) map.pinning = "none";
  return spec;
}

/** Loads one program of an object. A Machine is told what the kernel's configuration is: what the kernel answered. */
function load(host: Host, path: string, program: string, kconfig: Kconfig): Promise<LoadedObject> {
  const options = { programs: [program] };
  return host instanceof Machine
    ? host.load(unpinned(path), { ...options, kconfig })
    : host.load(unpinned(path), options);
}

type Kconfig = Readonly<Record<string, bigint>>;

async function outcome(host: Host, path: string, program: string, kconfig: Kconfig = {}): Promise<Outcome> {
  const none = { runs: [], maps: [], kconfig: {} };
  let object: LoadedObject;
  try {
    object = await load(host, path, program, kconfig);
  } catch (error) {
    if (error instanceof SyscallError) return { ...none, refused: error.errnoName };
    if (error instanceof NotSupportedError) return { ...none, refused: `not supported: ${error.message}` };
    if (error instanceof BpfError) return { ...none, refused: error.code };
    throw error;
  }
  try {
    const loaded = object.program(program);
    const runs = frames.map((data) => {
      try {
        const { retval, data: output } = loaded.testRun({ data });
        return `${retval} ${Buffer.from(output).toString("hex")}`;
      } catch (error) {
        if (error instanceof SyscallError) return error.errnoName;
        throw error;
      }
    });
    const maps = Object.values(object.maps).flatMap((map) => contents(map, host.cpus));
    return { runs, maps, kconfig: kconfigOf(object, path) };
  } finally {
    object.close();
  }
}

function kconfigOf(object: LoadedObject, path: string): Kconfig {
  const bytes = object.maps[".kconfig"]?.raw.lookup(new Uint8Array(4));
  if (bytes === undefined) return {};
  const values = unpinned(path).kconfig.map(({ name, offset, size }) => {
    return [name, bytes.subarray(offset, offset + size).reduceRight((value, byte) => value * 256n + BigInt(byte), 0n)];
  });
  return Object.fromEntries(values);
}

/** Sections with locks, lists and trees, which the kernel lets be mapped: its own pointers are in them. */
const withKernelPointers = /^\.data\.[AB]$/;

/** A map's entries as text, in the keys' order; what cannot be listed has none. */
function contents(map: LoadedObject["maps"][string], cpus: number): string[] {
  if (withKernelPointers.test(map.name)) return [];
  try {
    const entries = [...map.raw.entries()].map(([key, value]) => {
      // Ids are each host's own.
      if (/^prog_array$|_of_maps$/.test(map.raw.info.type))
        return `${map.name} ${Buffer.from(key).toString("hex")} taken`;
      const text = map.perCpu ? overCpus(value, cpus) : Buffer.from(value).toString("hex");
      return `${map.name} ${Buffer.from(key).toString("hex")} ${text}`;
    });
    return entries.sort();
  } catch (error) {
    if (error instanceof SyscallError || error instanceof NotSupportedError) return [];
    throw error;
  }
}

/** Which CPU ran the program is the kernel's choice; the sum over CPUs isn't. */
function overCpus(value: Uint8Array, cpus: number): string {
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  const stride = value.length / cpus;
  const sums = Array.from({ length: stride / 8 }, (_, word) => {
    let sum = 0n;
    for (let cpu = 0; cpu < cpus; cpu++) sum += view.getBigUint64(cpu * stride + word * 8, true);
    return sum;
  });
  return sums.join();
}

/** Objects whose verdicts are made of what they read, and those that keep times in their maps. */
const verdictsOfChance = /subprograms/;
const mapsWithTimes = /ddos-filter|timers|work|scenarios/;

/**
 * What holds of a program that reads the clock, chance, the CPU's number or tables of the host all the same: both load it or
 * neither, the packet comes out alike, and so does the verdict unless it is made of what was read; maps have the same keys,
 * and the same values unless they are times.
 */
function expectInvariants(path: string, ours: Outcome, theirs: Outcome): void {
  expect(ours.refused).toBe(theirs.refused);
  const withoutVerdict = (run: string) => run.slice(run.indexOf(" "));
  const run = (text: string) => (verdictsOfChance.test(path) ? withoutVerdict(text) : text);
  expect(ours.runs.map(run)).toEqual(theirs.runs.map(run));
  const entry = (text: string) => (mapsWithTimes.test(path) ? text.split(" ", 2).join(" ") : text);
  expect(ours.maps.map(entry)).toEqual(theirs.maps.map(entry));
}

describeKernel("every committed XDP and tc object", () => {
  let linux: Linux;
  /** Of each object that asks for it, as the kernel answered with the first of its programs. */
  const kconfigs = new Map<string, Kconfig>();
  beforeAll(async () => {
    linux = await Linux.open();
  });
  afterAll(() => linux.close());

  for (const { path, spec } of objects()) {
    const programs = [...spec.programs].filter(([, program]) => isPacketProgram(program));
    if (programs.length === 0) continue;
    describe(path, () => {
      for (const [name, program] of programs) {
        // Work that is left for later is done at a time of the kernel's choice.
        const free = !readsOutside(program) && !/work\.bpf/.test(path);
        it(`${name}${free ? "" : " (reads clock, chance, CPU or host tables)"}`, async () => {
          using machine = new Machine({ cpus: linux.cpus, kernelTypes });
          const theirs = await outcome(linux, path, name);
          if (Object.keys(theirs.kconfig).length > 0) kconfigs.set(path, theirs.kconfig);
          const ours = await outcome(machine, path, name, kconfigs.get(path));
          // What was made to be compared has to run.
          if (path.includes("machine/")) expect(theirs.refused).toBeUndefined();
          if (free) expect(ours).toEqual(theirs);
          else expectInvariants(path, ours, theirs);
        });
      }
    });
  }
});
