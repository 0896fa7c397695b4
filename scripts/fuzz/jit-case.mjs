// One random program in all modes and in the kernel, and what they differ in.
import { helperPrototypes } from "../../packages/core/dist/abi/index.js";
import { Machine } from "../../packages/core/dist/machine/index.js";
import { verify } from "../../packages/core/dist/verifier/index.js";
import { btf, verifierMaps } from "./environment.mjs";
import { generateProgram } from "./generate.mjs";
import { mapsOf, World } from "./jit-world.mjs";
import { randomFrom } from "./random.mjs";

/** Worlds are made anew now and then: what programs leave behind in them shall not add up. */
const PROGRAMS_PER_WORLD = 400;
/** Helpers that answer by the machine, the time or by chance: what rests on them is not the kernel's to confirm. */
const ambient = helperIds([
  ...["ktime_get_ns", "ktime_get_boot_ns", "ktime_get_coarse_ns", "ktime_get_tai_ns", "jiffies64"],
  ...["get_prandom_u32", "get_smp_processor_id", "get_numa_node_id", "get_current_pid_tgid", "get_current_uid_gid"],
  ...["get_current_comm", "get_current_cgroup_id", "get_current_ancestor_cgroup_id", "get_current_task"],
  ...["get_ns_current_pid_tgid", "get_netns_cookie", "get_socket_cookie", "get_socket_uid", "get_hash_recalc"],
  // The kernel walks hash maps in an order of its own.
  "for_each_map_elem",
]);
/** Helpers after which a packet may lie elsewhere, and in another place in each mode. */
const reshaping = helperIds([
  ...["skb_change_tail", "skb_change_head", "skb_change_proto", "skb_adjust_room", "skb_pull_data"],
  ...["skb_vlan_push", "skb_vlan_pop", "clone_redirect", "xdp_adjust_tail", "xdp_adjust_head"],
]);

function helperIds(names) {
  return new Set(helperPrototypes.filter(({ name }) => names.includes(name)).map(({ id }) => id));
}

const types = ["xdp", "sched_cls", "sched_act", "socket_filter", "cgroup_skb"];

/** Helpers that the Machine has. */
function machineHelpers() {
  const { helpers } = new Machine().runtime;
  return new Set(helperPrototypes.filter(({ id }) => helpers.get(id) !== undefined).map(({ name }) => name));
}

/** A frame with an IPv4 header, and bytes behind it that the seed chooses. */
function packetOf(seed) {
  const random = randomFrom(seed ^ 0x5eed);
  const packet = Uint8Array.from({ length: 64 + random.below(200) }, () => random.below(256));
  packet.set([0x08, 0x00, 0x45, 0, 0, packet.length - 14, 0, 1, 0, 0, 64, random.pick([6, 17, 1])], 12);
  return packet;
}

export class JitComparison {
  #helpers = machineHelpers();
  #kernelTypes;
  #kernel;
  #here;
  #made = 0;

  /** `kernel` runs a program there, where there is a kernel. */
  constructor({ kernelTypes, kernel }) {
    this.#kernelTypes = kernelTypes;
    this.#kernel = kernel;
  }

  /**
   * Runs the program of a seed. `kind`: `agree`, `engines` or `kernel` (who differs), `not_accepted`, `fault` for an
   * accepted program that is stopped, `crashed`, `not_supported`; `kernel` says whether the kernel took part.
   */
  compare(seed) {
    const program = generateProgram(seed, { only: types, helpers: this.#helpers });
    try {
      return { program, ...this.compareProgram(program, packetOf(seed)) };
    } catch (error) {
      // Mutations call helpers that the Machine lacks.
      const kind = /there is no helper/.test(error.message) ? "not_supported" : "crashed";
      return { program, kind, kernel: false, details: [error.stack] };
    }
  }

  compareProgram(program, data) {
    const verdict = this.#verify(program);
    if (verdict.verdict !== "accepted") return { kind: "not_accepted", kernel: false };
    const names = mapsOf(program.insns);
    this.#renewWorlds();
    const outcomes = this.#here.run(program, verdict, names, data);
    if (outcomes === undefined) return { kind: "not_supported", kernel: false };
    const [[, expected], ...others] = Object.entries(outcomes);
    const details = [];
    for (const [mode, outcome] of others) {
      const options = { counted: !mode.startsWith("unchecked"), packetMoves: calls(program.insns, reshaping) };
      for (const difference of differencesOf(expected, outcome, options)) details.push(`${mode}: ${difference}`);
    }
    if (details.length > 0) return { kind: "engines", details, kernel: false };
    if (!expected.result.startsWith("r0")) {
      const kind = expected.result.startsWith("fault") ? "fault" : "budget";
      return { kind, details: [expected.result], kernel: false };
    }
    return this.#compareKernel(program, names, data, expected);
  }

  #compareKernel(program, names, data, expected) {
    if (this.#kernel === undefined || calls(program.insns, ambient)) return { kind: "agree", kernel: false };
    const theirs = this.#kernel(program, names, data);
    if (theirs === undefined) return { kind: "agree", kernel: false };
    const details = differences(expected, theirs, names);
    // How often may_goto goes round is the kernel's to say, and with a clock it says something else every time.
    const again = details.length > 0 ? this.#kernel(program, names, data) : undefined;
    if (again !== undefined && differences(theirs, again, names).length > 0) return { kind: "agree", kernel: false };
    return { kind: details.length > 0 ? "kernel" : "agree", details, kernel: true };
  }

  #verify({ functions, ...program }) {
    const types = functions === undefined ? {} : { btf, functions };
    const input = { license: "GPL", ...program, ...types, maps: verifierMaps, kernelTypes: this.#kernelTypes };
    const end = performance.now() + 10_000;
    return verify(input, { shouldStop: () => performance.now() > end });
  }

  #renewWorlds() {
    if (this.#made++ % PROGRAMS_PER_WORLD !== 0 && !this.#here.stale) return;
    this.#here?.close();
    this.#here = new World(this.#kernelTypes);
  }
}

function calls(insns, helpers) {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.byteLength);
  for (let at = 0; at + 8 <= insns.length; at += 8) {
    if (insns[at] === 0x85 && insns[at + 1] >> 4 === 0 && helpers.has(view.getInt32(at + 4, true))) return true;
  }
  return false;
}

function differencesOf(expected, outcome, { counted, packetMoves }) {
  const differences = [];
  // Verified code need not count what it executes.
  const parts = ["result", "retval", "data", ...(counted ? ["executed"] : [])];
  for (const part of parts) {
    if (expected[part] !== outcome[part]) differences.push(`${part} ${outcome[part]} instead of ${expected[part]}`);
  }
  if (JSON.stringify(expected.maps) !== JSON.stringify(outcome.maps)) differences.push("maps");
  const at = packetMoves ? -1 : firstDifference(expected.memory, outcome.memory);
  if (at >= 0) differences.push(`memory at 0x${at.toString(16)}`);
  return differences;
}

function firstDifference(a, b) {
  if (Buffer.compare(a, b) === 0) return -1;
  return a.findIndex((byte, at) => byte !== b[at]);
}

/** What two runs differ in, ours and the kernel's. */
function differences(ours, theirs, names) {
  const details = ["retval", "data"].flatMap((part) =>
    ours[part] === theirs[part] ? [] : [`${part}: ours ${ours[part]}, the kernel's ${theirs[part]}`],
  );
  for (const name of names) {
    const [a, b] = [ours.maps[name].join("\n  "), theirs.maps[name].join("\n  ")];
    if (a !== b) details.push(`map ${name}: ours\n  ${a}\n the kernel's\n  ${b}`);
  }
  return details;
}
