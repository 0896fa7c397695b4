import { EBADF, EINVAL, ENOENT } from "../../abi/index.js";
import { BpfError, NotSupportedError } from "../../base/index.js";
import type {
  CookieOptions,
  KprobeMultiOptions,
  KprobeOptions,
  PerfEventOptions,
  Program,
  UprobeMultiOptions,
  UprobeOptions,
  UprobePlace,
} from "../../host/index.js";
import type { Environment, KernelObject } from "../../runtime/index.js";
import { failure } from "../failure.js";
import { LinkObject, type LinkOwner, MachineLink, type MachineLinkKind } from "../machine-link.js";
import { MachineProgram } from "../machine-program.js";
import { eventName, type HookEntry, type HookKind, HookTable } from "./hook-table.js";
import {
  givenElements,
  iteratedMap,
  iteratorTarget,
  MachineIteratorLink,
  type MachineIteratorOptions,
  mapElements,
} from "./iterator.js";

const COMMAND = "BPF_LINK_CREATE";
const tracingKinds = {
  trace_raw_tp: "raw_tracepoint",
  trace_fentry: "fentry",
  trace_fexit: "fexit",
  modify_return: "fmod_ret",
  lsm_mac: "lsm",
} as const;

/** Attaches tracing programs to the named hooks of a Machine. */
export class MachineTracingHooks {
  readonly table = new HookTable();
  readonly #environment: Environment;
  readonly #owner: LinkOwner;

  constructor(environment: Environment, owner: LinkOwner) {
    this.#environment = environment;
    this.#owner = owner;
  }

  attachTracepoint(program: Program, name?: string, options: CookieOptions = {}): MachineLink {
    const own = this.#program(program, "a tracepoint", "tracepoint");
    const tracepoint = (name ?? targetOf(own)).replace(":", "/");
    if (!/^[\w-]+\/[\w-]+$/.test(tracepoint))
      throw new BpfError("NO_ATTACH_TARGET", `there is no tracepoint ${tracepoint}`, { name: tracepoint });
    return this.#attach("tracepoint", own, [
      { event: eventName.tracepoint(tracepoint), kind: "tracepoint", cookie: options.cookie },
    ]);
  }

  attachRawTracepoint(program: Program, name?: string, options: CookieOptions = {}): MachineLink {
    const own = this.#program(
      program,
      "a raw tracepoint",
      "raw_tracepoint",
      "raw_tracepoint_writable",
      "tracing",
      "lsm",
    );
    const { cookie } = options;
    if (own.type.startsWith("raw_tracepoint")) {
      const target = name ?? targetOf(own);
      const types = this.#environment.kernel.types;
      if (types !== undefined && types.find(`btf_trace_${target}`, "typedef").length === 0)
        throw failure("BPF_RAW_TRACEPOINT_OPEN", ENOENT, `there is no tracepoint ${target}`);
      return this.#attach("raw_tracepoint", own, [
        { event: eventName.rawTracepoint(target), kind: "raw_tracepoint", cookie },
      ]);
    }
    const kind = tracingKinds[own.attachType as keyof typeof tracingKinds];
    if (kind === undefined)
      throw failure("BPF_RAW_TRACEPOINT_OPEN", EINVAL, `programs for ${own.attachType} attach in another way`);
    const target = afterModule(targetOf(own));
    const event =
      kind === "raw_tracepoint"
        ? eventName.rawTracepoint(target)
        : kind === "lsm"
          ? eventName.lsm(target)
          : eventName.function(target);
    return this.#attach("tracing", own, [{ event, kind, cookie }]);
  }

  attachKprobe(program: Program, options: KprobeOptions = {}): MachineLink {
    const own = this.#program(program, "a kprobe", "kprobe");
    const kind = options.return ? "kretprobe" : "kprobe";
    if (options.return && (options.offset ?? 0) !== 0)
      throw failure("perf_event_open", EINVAL, "a kretprobe stands at a function's start");
    const event = eventName.function(options.symbol ?? targetOf(own), options.offset);
    return this.#attach(kind, own, [{ event, kind, cookie: options.cookie }]);
  }

  attachKprobeMulti(program: Program, options: KprobeMultiOptions): MachineLink {
    const own = this.#program(program, "kprobe.multi", "kprobe");
    const session = own.attachType === "trace_kprobe_session";
    if (!session && own.attachType !== "trace_kprobe_multi")
      throw failure(COMMAND, EINVAL, `program '${own.name}' was not loaded for kprobe.multi`);
    if (options.symbols.length === 0 || (options.cookies?.length ?? options.symbols.length) !== options.symbols.length)
      throw failure(COMMAND, EINVAL, "there are as many cookies as symbols, and one at least");
    const kind: HookKind = options.return ? "kretprobe" : "kprobe";
    const places = options.symbols.map((symbol, index): Place => {
      return { event: eventName.function(symbol), kind, cookie: options.cookies?.[index], session };
    });
    return this.#attach("kprobe_multi", own, places);
  }

  attachUprobe(program: Program, path: string, options: UprobeOptions): MachineLink {
    const own = this.#program(program, "a uprobe", "kprobe");
    const kind = options.return ? "uretprobe" : "uprobe";
    return this.#attach(kind, own, [{ ...userPlace(path, options), kind, cookie: options.cookie, pid: options.pid }]);
  }

  attachUprobeMulti(program: Program, path: string, options: UprobeMultiOptions): MachineLink {
    const own = this.#program(program, "uprobe.multi", "kprobe");
    const session = own.attachType === "trace_uprobe_session";
    if (!session && own.attachType !== "trace_uprobe_multi")
      throw failure(COMMAND, EINVAL, `program '${own.name}' was not loaded for uprobe.multi`);
    if (options.places.length === 0) throw failure(COMMAND, EINVAL, "there is one place at least");
    const kind: HookKind = options.return ? "uretprobe" : "uprobe";
    const places = options.places.map((place): Place => {
      return { ...userPlace(path, place), kind, cookie: place.cookie, pid: options.pid, session };
    });
    return this.#attach("uprobe_multi", own, places);
  }

  attachPerf(program: Program, options: PerfEventOptions): MachineLink {
    const own = this.#program(program, "a perf event", "perf_event");
    const { type, config, cookie, frequency, period } = options;
    if ((options.pid ?? -1) === -1 && (options.cpu ?? -1) === -1)
      throw failure("perf_event_open", EINVAL, "a process or a CPU has to be given");
    const pid = options.pid === undefined || options.pid < 0 ? undefined : options.pid || this.#environment.task.tgid;
    const place: Place = { event: eventName.perf(type, config), kind: "perf_event", cookie, pid };
    return this.#attach("perf_event", own, [{ ...place, period: frequency === undefined ? (period ?? 1) : 1 }]);
  }

  attachIterator(program: Program, options: MachineIteratorOptions = {}): MachineIteratorLink {
    const own = this.#program(program, "an iterator", "tracing");
    const target = iteratorTarget(own);
    const environment = this.#environment;
    const { elements } = options;
    const object = (over: Elements) => new MachineIteratorLink(this.#iteration(own), environment, over);
    if (target === "bpf_map_elem") {
      const map = iteratedMap(options);
      return object((memory) => mapElements(environment.maps, map, memory, environment));
    }
    if (elements !== undefined) return object((memory) => givenElements(target, elements, memory, environment));
    if (target !== "task")
      throw new NotSupportedError(target, `the Machine has nothing of ${target} to go over: give \`elements\``);
    return object((memory) => {
      const tasks = environment.tasks.all.filter((task) => isWanted(task, options));
      return givenElements(
        target,
        tasks.map((task) => ({ task })),
        memory,
        environment,
      );
    });
  }

  #iteration(program: MachineProgram): LinkObject {
    const object = new LinkObject("iterator", program, this.#owner);
    object.target = { replace: () => {}, detach: () => {} };
    return object;
  }

  #attach(kind: MachineLinkKind, program: MachineProgram, places: readonly Place[]): MachineLink {
    const link = new MachineLink(new LinkObject(kind, program, this.#owner));
    const entries = places.map(({ event, cookie, ...rest }) => {
      const entry: HookEntry = { ...rest, link, program, cookie: cookie ?? 0n };
      this.table.add(event, entry);
      return { event, entry };
    });
    link.attach({
      replace: () => {
        throw failure("BPF_LINK_UPDATE", EINVAL, `a ${kind} link keeps its program`);
      },
      detach: () => {
        for (const { event, entry } of entries) this.table.remove(event, entry);
      },
    });
    return link;
  }

  #program(program: Program, hook: string, ...types: readonly Program["type"][]): MachineProgram {
    if (!(program instanceof MachineProgram) || !this.#owner.owns(program))
      throw failure(COMMAND, EBADF, `program '${program.name}' is of another host`);
    program.assertOpen(COMMAND);
    if (types.includes(program.type)) return program;
    const message = `program '${program.name}' is of type ${program.type}; ${hook} takes ${types.join(" or ")}`;
    throw new BpfError("PROGRAM_TYPE", message, { program: program.name, type: program.type });
  }
}

type Elements = ConstructorParameters<typeof MachineIteratorLink>[2];

function isWanted(task: KernelObject, { tid, pid }: MachineIteratorOptions): boolean {
  return (tid ?? task.member("pid")) === task.member("pid") && (pid ?? task.member("tgid")) === task.member("tgid");
}

interface Place {
  readonly event: string;
  readonly kind: HookKind;
  readonly cookie?: bigint | undefined;
  readonly pid?: number | undefined;
  readonly session?: boolean;
  readonly period?: number;
}

function userPlace(path: string, { symbol, offset }: UprobePlace): { event: string } {
  return { event: eventName.user(path, symbol, offset) };
}

/** `module:function` names the module too. */
function afterModule(target: string): string {
  return target.slice(target.indexOf(":") + 1);
}

/** What the program says that it attaches to. @throws BpfError `"NO_ATTACH_TARGET"` */
function targetOf(program: MachineProgram): string {
  const target = program.spec.attachTo;
  if (target !== undefined && target !== "") return target;
  throw new BpfError("NO_ATTACH_TARGET", `program '${program.name}' does not say what it attaches to: give it`, {
    program: program.name,
  });
}
