import { existsSync, readFileSync } from "node:fs";
import {
  type AttachType,
  attachTypes,
  type Btf,
  encodeInstructions,
  type Instruction,
  type Kfunc,
  kfuncs,
  type ProgramType,
  parseBtf,
  programTypes,
} from "@tsbpf/core";
import { kernelProblem, verifyOnKernel } from "@tsbpf/linux";
import { describe, expect, it } from "vitest";

const instruction = (opcode: number, dst: number, src: number, imm: number): Instruction => ({
  opcode,
  dst,
  src,
  offset: 0,
  imm,
});
const exit = instruction(0x95, 0, 0, 0);
const zero = (register: number) => instruction(0xb7, register, 0, 0);
const call = (id: number) => instruction(0x85, 0, 2, id);
const SLEEPABLE = 16;

/** How a program of a type gets as far as its first instruction. */
interface Setting {
  readonly type: ProgramType;
  readonly attachType?: AttachType;
  readonly attachBtfId?: number;
}

/** The kernel lets no program of these types load where this suite runs, or needs a target for them. */
const unasked: ReadonlySet<ProgramType> = new Set(["ext", "lsm", "lirc_mode2"]);

function settings(types: Btf): Setting[] {
  const id = (name: string, kind: "typedef" | "func" | "struct") => types.find(name, kind)[0]!;
  return [
    ...programTypes
      .map(({ name }) => name)
      .filter((type) => !unasked.has(type) && type !== "tracing" && type !== "struct_ops")
      .flatMap(untargeted),
    { type: "tracing", attachType: "trace_raw_tp", attachBtfId: id("btf_trace_sched_switch", "typedef") },
    { type: "tracing", attachType: "trace_iter", attachBtfId: id("bpf_iter_task", "func") },
    { type: "struct_ops", attachBtfId: id("tcp_congestion_ops", "struct") },
  ];
}

/** One attach type that a program may have, and those that kernel functions are restricted to. */
function untargeted(type: ProgramType): Setting[] {
  const restricting = new Set(kfuncs.flatMap((kfunc) => kfunc.attachTypes ?? []));
  const possible: Setting[] = [
    { type },
    ...attachTypes.map(({ name }) => ({ type, attachType: name })).filter((setting) => loads(setting)),
  ].filter(loads);
  return possible.filter(({ attachType }, index) => index === 0 || (attachType && restricting.has(attachType)));
}

function loads(setting: Setting): boolean {
  return ask(setting, [zero(0), zero(1)]).processed !== undefined;
}

function ask({ type, attachType, attachBtfId }: Setting, insns: readonly Instruction[], flags = 0) {
  return verifyOnKernel({
    insns: encodeInstructions([...insns, exit]),
    type,
    attachType,
    attachBtfId,
    flags: type === "syscall" ? SLEEPABLE : flags,
    logLevel: 1,
  });
}

/** May programs of the setting call it, by the table? */
function granted({ type, attachType }: Setting, kfunc: Kfunc): boolean {
  const byType = kfunc.programs === "all" || kfunc.programs.includes(type);
  return byType && (kfunc.attachTypes === undefined || kfunc.attachTypes.includes(attachType!));
}

/** Functions that the kernel's BTF calls kfuncs. */
function taggedFunctions(types: Btf): Map<string, number> {
  const tagged = new Map<string, number>();
  for (let id = types.firstId; id < types.length; id++) {
    const type = types.type(id);
    if (type.kind === "decl_tag" && type.name === "bpf_kfunc") tagged.set(types.name(type.type), type.type);
  }
  return tagged;
}

const path = "/sys/kernel/btf/vmlinux";
const problem = kernelProblem() ?? (existsSync(path) ? undefined : `no ${path}`);

describe.skipIf(problem !== undefined)(`kfuncs, asked of the kernel${problem ? ` (${problem})` : ""}`, () => {
  const types = problem === undefined ? parseBtf(new Uint8Array(readFileSync(path))) : undefined!;
  const ids = problem === undefined ? taggedFunctions(types) : new Map<string, number>();
  const reachable = kfuncs.filter(({ programs, deviceBound }) => programs[0] !== "lsm" && !deviceBound);

  /** The setting in which a function can be called, syscall programs first: they may sleep. */
  function settingOf(all: readonly Setting[], kfunc: Kfunc): Setting {
    const fitting = all.filter((setting) => granted(setting, kfunc));
    return fitting.find(({ type }) => type === "syscall") ?? fitting[0]!;
  }

  it("has every function that is tagged as one, but those that only tests trace", () => {
    const onlyTraced = ["bpf_fentry_test1", "bpf_modify_return_test", "bpf_modify_return_test2"];
    const missing = [...ids.keys()].filter((name) => !kfuncs.some((kfunc) => kfunc.name === name));
    expect(missing.sort()).toEqual(onlyTraced);
    expect(kfuncs.filter(({ name }) => !ids.has(name))).toEqual([]);
    expect(new Set(kfuncs.map(({ name }) => name)).size).toBe(kfuncs.length);
  });

  it("knows who may call what", () => {
    for (const setting of settings(types)) {
      const [kernel, table]: [string[], string[]] = [[], []];
      for (const kfunc of reachable) {
        const { log } = ask(setting, [call(ids.get(kfunc.name)!)]);
        if (!log.includes(`calling kernel function ${kfunc.name} is not allowed`)) kernel.push(kfunc.name);
        if (granted(setting, kfunc)) table.push(kfunc.name);
      }
      expect(table, `${setting.type} ${setting.attachType}`).toEqual(kernel);
    }
  });

  it("knows which are for device-bound and LSM programs", () => {
    const refusal = (name: string) => ask({ type: "xdp" }, [call(ids.get(name)!)]).message;
    for (const { name, deviceBound, programs } of kfuncs) {
      if (deviceBound) expect(refusal(name)).toBe("metadata kfuncs require device-bound program");
      if (programs[0] === "lsm") expect(refusal(name)).toBe(`calling kernel function ${name} is not allowed`);
    }
  });

  it("knows which may sleep", () => {
    const all = settings(types).filter(({ type }) => type !== "syscall");
    for (const kfunc of reachable) {
      const setting = settingOf(all, kfunc);
      if (setting === undefined) continue;
      const { message } = ask(setting, [call(ids.get(kfunc.name)!)]);
      const sleeps = message === `program must be sleepable to call sleepable kfunc ${kfunc.name}`;
      expect(kfunc.flags.includes("sleepable"), kfunc.name).toBe(sleeps);
    }
  });

  it("knows which take valid pointers only, which iterate, and which give references", () => {
    const all = settings(types);
    for (const kfunc of reachable) {
      // Called with null in every register, as far as it gets.
      const setting = settingOf(all, kfunc);
      const insns = [...[1, 2, 3, 4, 5].map(zero), call(ids.get(kfunc.name)!), zero(0)];
      const { message } = ask(setting, insns, setting.type === "tracing" ? SLEEPABLE : 0);
      if (message.startsWith("program must be sleepable") || message.startsWith("Only fentry")) continue;
      const has = (...flags: Kfunc["flags"][number][]) => flags.some((flag) => kfunc.flags.includes(flag));
      const valid = has("trusted_args", "rcu", "release");
      expect(/^Possibly NULL pointer passed to trusted arg/.test(message), `${kfunc.name}: ${message}`).toBe(valid);
      if (valid) continue;
      const iterates = has("iter_new", "iter_next", "iter_destroy");
      expect(message.includes("pointer to an iterator on stack"), kfunc.name).toBe(iterates);
      if (message.includes("would lead to reference leak")) expect(kfunc.flags).toContain("acquire");
      else if (message === "") expect(kfunc.flags).not.toContain("acquire");
    }
  });
});
