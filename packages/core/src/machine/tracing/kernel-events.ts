import type { UprobePlace } from "../../host/index.js";
import type { MapCore } from "../../maps/index.js";
import {
  type Environment,
  type KernelValue,
  NO_EVENT,
  TracingContext,
  type TracingEvent,
} from "../../runtime/index.js";
import type { EventHub } from "../event-hub.js";
import { type RunError, runError } from "../fault-error.js";
import type { MachineProgram } from "../machine-program.js";
import { EventArguments, type EventMemory } from "./arguments.js";
import { eventName, type HookEntry, type HookKind, type HookTable } from "./hook-table.js";
import { encodeRegisters, entryRegisters, PT_REGS_SIZE, type Registers } from "./registers.js";

/** Room that a trace record has, and a raw tracepoint's arguments. Bytes. */
const RECORD_SIZE = 8192;
/** Bytes of a raw tracepoint's context: twelve arguments. */
export const RAW_ARGUMENTS_SIZE = 96;
const MAX_ARGUMENTS = 12;
const PERF_SAMPLE_SIZE = PT_REGS_SIZE + 16;

/** One program's run at an event. */
export interface FiredRun {
  readonly program: MachineProgram;
  /** All 64 bits of what it returned, unsigned; 0 where it stopped. */
  readonly returned: bigint;
  /** Why it stopped: a fault, or the end of its budget. */
  readonly error: RunError | undefined;
}

/** What came of a call of a function. */
export interface CallResult {
  /** In the order in which they ran. */
  readonly runs: readonly FiredRun[];
  /** What the caller of the function gets: its result, or that of a program that stands in its place. */
  readonly returned: bigint;
  /** Whether the function itself was reached. */
  readonly reached: boolean;
}

/** What programs can see of an event besides its arguments. */
export interface EventSurroundings {
  /** Return addresses, innermost first. */
  readonly kernelStack?: readonly bigint[] | undefined;
  readonly userStack?: readonly bigint[] | undefined;
}

/** What is known of a call of a kernel function. */
export interface CallOptions extends EventSurroundings {
  /** What the function returns; 0 where absent. It is called where no program stands in its place. */
  readonly returns?: number | bigint | (() => number | bigint) | undefined;
  /** Registers besides those that hold the arguments, for kprobes and uprobes. */
  readonly registers?: Registers | undefined;
}

/** A sample of a perf event. */
export interface PerfSample extends EventSurroundings {
  readonly registers?: Registers | undefined;
  /** That of the attachment where absent. */
  readonly period?: number | bigint | undefined;
  readonly address?: bigint | undefined;
}

/**
 * Says what happens in the kernel behind a Machine, so that the programs that trace it run. They run in the context of the
 * Machine's task, and one that faults ends its own run only.
 *
 *     machine.attachRawTracepoint(object.program("on_exec"));
 *     machine.fire.rawTracepoint("sched_process_exec", [{ pid: 7, comm: "sh" }, 7, { filename: "/bin/sh" }]);
 *
 * Arguments are encoded by the kernel's types, where the Machine has them (`kernelTypes`): a struct in place of a pointer
 * lives as long as the event; one that is to stay is made with `machine.kernel.create()`.
 */
export class KernelEvents {
  readonly #environment: Environment;
  readonly #maps: MapCore;
  readonly #events: EventHub;
  readonly #hooks: HookTable;
  readonly #arguments: EventArguments;

  /** @internal */
  constructor(environment: Environment, maps: MapCore, events: EventHub, hooks: HookTable) {
    this.#environment = environment;
    this.#maps = maps;
    this.#events = events;
    this.#hooks = hooks;
    this.#arguments = new EventArguments(environment.kernel);
  }

  /**
   * A tracepoint of tracefs, `"sched/sched_switch"`.
   *
   * @param record the trace record as its `format` file describes it, or its fields by the kernel's types: `struct` names
   * the type, `trace_event_raw_` and the event's name where absent.
   */
  tracepoint(
    name: string,
    record: Uint8Array | { readonly struct?: string; readonly fields: { readonly [field: string]: KernelValue } },
    surroundings: EventSurroundings = {},
  ): readonly FiredRun[] {
    return this.#within((memory) => {
      const bytes = record instanceof Uint8Array ? record : this.#record(name, record, memory);
      return this.#hooks
        .at(eventName.tracepoint(name.replace(":", "/")))
        .map((entry) => this.#run(entry, this.#context(memory, RECORD_SIZE, bytes), surroundings));
    });
  }

  /** A tracepoint for raw and BTF-typed programs, by its name in the kernel's sources: `"sched_switch"`. */
  rawTracepoint(name: string, args: readonly KernelValue[], surroundings: EventSurroundings = {}): readonly FiredRun[] {
    return this.#within((memory) => {
      const words = this.#arguments.encode(`tracepoint ${name}`, args, this.#arguments.ofTracepoint(name), memory);
      return this.#hooks.at(eventName.rawTracepoint(name)).map((entry) => {
        const context = this.#context(memory, RAW_ARGUMENTS_SIZE);
        words.slice(0, MAX_ARGUMENTS).forEach((word, index) => {
          context.setWord(index, word);
        });
        return this.#run(entry, context, surroundings);
      });
    });
  }

  /**
   * A call of a kernel function: kprobes and fentry programs run, then fmod_ret programs until one returns other than 0,
   * which is the result then; else the function itself (`returns`); then fexit programs and kretprobes.
   */
  kernelCall(symbol: string, args: readonly KernelValue[], options: CallOptions = {}): CallResult {
    return this.#within((memory) => {
      const prototype = this.#arguments.ofFunction(symbol);
      const types = prototype?.params.map(({ type }) => type);
      const words = this.#arguments.encode(`${symbol}()`, args, types, memory);
      const ip = this.#environment.symbols.address(symbol);
      const call: FunctionCall = { words, ip, memory, options, runs: [], sessions: new Map(), cookies: new Map() };
      return this.#call(this.#hooks.at(eventName.function(symbol)), call);
    });
  }

  /**
   * A security hook, by its name without `security_`: `"file_open"`. LSM programs run until one returns other than 0, which
   * is then the hook's result; 0 otherwise.
   */
  lsm(hook: string, args: readonly KernelValue[], surroundings: EventSurroundings = {}): CallResult {
    return this.#within((memory) => {
      const prototype = this.#arguments.ofFunction(`bpf_lsm_${hook}`);
      const types = prototype?.params.map(({ type }) => type);
      const words = this.#arguments.encode(`LSM hook ${hook}`, args, types, memory);
      const ip = this.#environment.symbols.address(`bpf_lsm_${hook}`);
      const call: FunctionCall = {
        words,
        ip,
        memory,
        options: surroundings,
        runs: [],
        sessions: new Map(),
        cookies: new Map(),
      };
      const returned = this.#modify(this.#hooks.at(eventName.lsm(hook)), call);
      return { runs: call.runs, returned: returned ?? 0n, reached: returned === undefined };
    });
  }

  /** A call of a function in a user program, for uprobes and uretprobes at that place. */
  userCall(
    path: string,
    place: UprobePlace,
    args: readonly (number | bigint)[],
    options: CallOptions = {},
  ): CallResult {
    return this.#within((memory) => {
      const words = args.map((value) => BigInt.asUintN(64, BigInt(value)));
      const ip = BigInt.asUintN(64, BigInt(options.registers?.ip ?? 0));
      const call: FunctionCall = { words, ip, memory, options, runs: [], sessions: new Map(), cookies: new Map() };
      return this.#call(this.#hooks.at(eventName.user(path, place.symbol, place.offset)), call);
    });
  }

  /** A sample of a perf event, for the programs that are attached to it. */
  perfSample(
    event: { readonly type: number; readonly config: number | bigint },
    sample: PerfSample = {},
  ): readonly FiredRun[] {
    return this.#within((memory) => {
      return this.#matching(this.#hooks.at(eventName.perf(event.type, event.config))).map((entry) => {
        const context = this.#context(memory, PERF_SAMPLE_SIZE, encodeRegisters(sample.registers ?? {}));
        context.setWord(PT_REGS_SIZE / 8, BigInt(sample.period ?? entry.period ?? 1));
        context.setWord(PT_REGS_SIZE / 8 + 1, sample.address ?? 0n);
        return this.#run(entry, context, sample);
      });
    });
  }

  /** Runs a program on arguments as a trampoline would. @internal */
  runWithArguments(
    program: MachineProgram,
    what: string,
    args: readonly KernelValue[],
    types: readonly number[] | undefined,
  ): FiredRun {
    return this.#within((memory) => {
      const words = this.#arguments.encode(what, args, types, memory);
      const context = this.#trampoline({ words, memory }, undefined);
      return this.#execute(program, context);
    });
  }

  #record(
    name: string,
    record: { readonly struct?: string; readonly fields: { readonly [field: string]: KernelValue } },
    memory: EventMemory,
  ): Uint8Array {
    const struct = record.struct ?? `trace_event_raw_${name.slice(name.search(/[/:]/) + 1)}`;
    const object = this.#environment.kernel.create(struct, record.fields);
    memory.push(object);
    return this.#environment.kernel.bytes(object.address, this.#environment.kernel.requireTypes().size(object.typeId)!);
  }

  #call(entries: readonly HookEntry[], call: FunctionCall): CallResult {
    const here = this.#matching(entries);
    const of = (...kinds: readonly HookKind[]) => here.filter(({ kind }) => kinds.includes(kind));
    const overridden = this.#probes(of("kprobe", "uprobe"), call, undefined);
    for (const entry of of("fentry")) this.#push(call, entry, this.#trampoline(call, undefined));
    const modified = this.#modify(of("fmod_ret"), call);
    const stood = overridden ?? modified;
    const returned = stood ?? bodyOf(call.options);
    for (const entry of of("fexit")) this.#push(call, entry, this.#trampoline(call, returned));
    const sessions = of("kprobe", "uprobe").filter(({ session }) => session === true);
    this.#probes([...of("kretprobe", "uretprobe"), ...sessions], call, returned);
    return { runs: call.runs, returned, reached: stood === undefined };
  }

  /** Probes at a function's entry, or at its return where `returned` is given. What bpf_override_return() asked for. */
  #probes(entries: readonly HookEntry[], call: FunctionCall, returned: bigint | undefined): bigint | undefined {
    let overridden: bigint | undefined;
    for (const entry of entries) {
      const ignored = entry.session && returned !== undefined && (call.sessions.get(entry) ?? 0n) !== 0n;
      if (ignored) continue;
      const registers = returned === undefined ? entryRegisters(call.words, call.ip) : { ip: call.ip, ax: returned };
      const bytes = encodeRegisters({ ...call.options.registers, ...registers });
      const context = this.#context(call.memory, PT_REGS_SIZE, bytes);
      const cookie = entry.session ? this.#sessionCookie(call, entry) : undefined;
      const run = this.#push(call, entry, context, { atReturn: returned !== undefined, sessionCookie: cookie });
      if (entry.session && returned === undefined) call.sessions.set(entry, run.returned);
      overridden = context.overridden ?? overridden;
    }
    return overridden;
  }

  /** Programs in front of a function that may stand in its place: what the first that does returns. */
  #modify(entries: readonly HookEntry[], call: FunctionCall): bigint | undefined {
    for (const entry of entries) {
      const { returned } = this.#push(call, entry, this.#trampoline(call, 0n));
      if (returned !== 0n) return returned;
    }
    return undefined;
  }

  #sessionCookie({ cookies, memory }: FunctionCall, entry: HookEntry): number {
    let cookie = cookies.get(entry);
    if (cookie === undefined) {
      const bytes = this.#environment.kernel.createBytes(new Uint8Array(8));
      memory.push(bytes);
      cookie = bytes.address;
      cookies.set(entry, cookie);
    }
    return cookie;
  }

  #push(call: FunctionCall, entry: HookEntry, context: TracingContext, more: Partial<TracingEvent> = {}): FiredRun {
    const run = this.#run(entry, context, call.options, { functionAddress: call.ip, ...more });
    call.runs.push(run);
    return run;
  }

  #matching(entries: readonly HookEntry[]): readonly HookEntry[] {
    const { tgid } = this.#environment.task;
    return entries.filter(({ pid }) => pid === undefined || pid === tgid);
  }

  #trampoline({ words, memory }: Pick<FunctionCall, "words" | "memory">, result: bigint | undefined): TracingContext {
    const context = this.#context(memory, (words.length + 1) * 8);
    words.forEach((word, index) => {
      context.setWord(index, word);
    });
    context.argumentCount = words.length;
    context.hasResult = result !== undefined;
    if (result !== undefined) context.setWord(words.length, result);
    return context;
  }

  #context(memory: EventMemory, size: number, bytes?: Uint8Array): TracingContext {
    const context = new TracingContext(this.#environment.runtime.memory, size, bytes);
    memory.push(context);
    return context;
  }

  #run(
    entry: HookEntry,
    context: TracingContext,
    { kernelStack = [], userStack = [] }: EventSurroundings,
    more: Partial<TracingEvent> = {},
  ): FiredRun {
    context.event = { ...NO_EVENT, cookie: entry.cookie, kernelStack, userStack, ...more };
    return this.#execute(entry.program, context);
  }

  #execute(program: MachineProgram, context: TracingContext): FiredRun {
    const { runtime } = this.#environment;
    this.#maps.enterRun();
    const status = program.execute(runtime, context);
    this.#maps.leaveRun();
    const result = runtime.result(status);
    const exited = result.kind === "exit";
    const error = exited ? undefined : runError(runtime, program, status);
    this.#events.deliver();
    return { program, returned: exited ? result.r0 : 0n, error };
  }

  #within<T>(work: (memory: EventMemory) => T): T {
    const memory: EventMemory = [];
    try {
      return work(memory);
    } finally {
      for (const each of memory.reverse()) each.close();
    }
  }
}

interface FunctionCall {
  readonly words: readonly bigint[];
  readonly ip: bigint;
  readonly memory: EventMemory;
  readonly options: CallOptions;
  readonly runs: FiredRun[];
  /** What session programs returned at the entry. */
  readonly sessions: Map<HookEntry, bigint>;
  readonly cookies: Map<HookEntry, number>;
}

function bodyOf({ returns = 0n }: CallOptions): bigint {
  return BigInt.asUintN(64, BigInt(typeof returns === "function" ? returns() : returns));
}
