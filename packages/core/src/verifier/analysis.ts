import {
  type AttachType,
  capabilities,
  EACCES,
  EINVAL,
  type HelperGrant,
  type HelperPrototype,
  hasCapability,
  helperName,
  isGplCompatible,
  type ProgramRules,
  type ProgramType,
} from "../abi/index.js";
import type { Btf } from "../btf/index.js";
import type { Slots } from "../isa/index.js";
import type { AttachTarget } from "./attached-function.js";
import type { KernelFunction } from "./called-kernel-function.js";
import type { VerifierFunction, VerifierInput, VerifierLine, VerifierMap, VerifyOptions } from "./input.js";
import type { VerifierLog } from "./log.js";
import { type InstructionNames, printInstruction } from "./print-instruction.js";
import { type Frame, FramePool, State } from "./state.js";
import type { RejectionCode } from "./verdict.js";

/** Thrown where the kernel refuses the program. */
export class Rejection {
  readonly code: RejectionCode;
  readonly errno: number;
  /** The last line logged. */
  readonly message: string;

  constructor(code: RejectionCode, errno: number, message: string) {
    this.code = code;
    this.errno = errno;
    this.message = message;
  }
}

/** Thrown where a program uses something that the analysis does not model. */
export class NotModelled {
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}

/** What is known of one function of the program. */
export interface Subprogram {
  readonly start: number;
  /** The slot behind its last one. */
  end: number;
  /** Its records in {@link Analysis.postorder}. */
  postorderStart: number;
  postorderEnd: number;
  /** Slot of the last exit instruction; where control goes when a tail call works. */
  exitSlot: number;
  /** Bytes of stack used. */
  stackDepth: number;
  hasTailCall: boolean;
  tailCallReachable: boolean;
  hasLoadAbsolute: boolean;
  isCallback: boolean;
  isAsyncCallback: boolean;
  isExceptionCallback: boolean;
  changesPacket: boolean;
  mightSleep: boolean;
  /** A global function is verified by itself, for any arguments of its types. */
  global: boolean;
  name: string;
  /** Its function type in the program's BTF, or 0. */
  typeId: number;
  /** Some path calls it. */
  called: boolean;
  verified: boolean;
  /** Lowest offset of the stack that only spills around fast calls use; see `fastcall.ts`. */
  fastcallStackOffset: number;
  /** Some spills around fast calls go away, since the kernel inlines the call. */
  losesFastcallSpills: boolean;
  /** Other spills at the same place stay: the call is not inlined. */
  keepsFastcallStack: boolean;
}

/** Bits of {@link Analysis.points}. */
export const PRUNE_POINT = 1;
/** Control may arrive here otherwise than by falling through. */
export const JUMP_POINT = 2;
/** A checkpoint is always taken here. */
export const FORCED_CHECKPOINT = 4;
/** A call that runs a callback, any number of times. */
export const CALLS_CALLBACK = 8;
/** A call of an iterator's next function. */
export const ITERATOR_NEXT = 16;
/** No speculation past this instruction. */
export const NO_SPECULATION = 32;
export const NO_SPECULATION_AFTER = 64;
/** Part of a spill or fill around a fast call. */
export const FASTCALL_PATTERN = 128;

/** Where a record's BTF type comes from. */
export const KERNEL_TYPES = 1;
export const PROGRAM_TYPES = 2;

/** A helper as the program's type may call it. */
export interface AvailableHelper {
  readonly prototype: HelperPrototype;
  readonly grant: HelperGrant;
}

/** Everything that the steps of one analysis share. */
export class Analysis {
  readonly input: VerifierInput;
  readonly options: VerifyOptions;
  readonly log: VerifierLog;
  readonly insns: Slots;
  readonly type: ProgramType;
  readonly attachType: AttachType | undefined;
  readonly rules: ProgramRules;
  readonly flags: number;
  /** The loader has CAP_BPF: functions, loops, and values that are tracked as far as they matter. */
  readonly hasBpf: boolean;
  /** The loader has CAP_PERFMON: programs may know the kernel's addresses, and what was left on the stack. */
  readonly hasPerfmon: boolean;
  /** Paths that a CPU would only guess are walked too, since what they load could be told by its traces (Spectre). */
  readonly speculates: boolean;
  readonly gpl: boolean;
  readonly strictAlignment: boolean;
  readonly testStateFrequency: boolean;
  readonly sleepable: boolean;
  readonly btf: Btf | undefined;
  readonly kernelTypes: Btf | undefined;
  readonly functions: readonly VerifierFunction[];
  readonly lines: readonly VerifierLine[];
  /** By helper number. */
  helpers: ReadonlyMap<number, AvailableHelper> = new Map();
  /** Kernel functions that the program calls, by their BTF type. */
  readonly kfuncs: Map<number, KernelFunction> = new Map();
  subprograms: Subprogram[] = [];
  exceptionCallback = 0;

  /** Maps that the program refers to, in the order of their first use. */
  readonly maps: VerifierMap[] = [];
  /** By slot of a lddw of a map: index into {@link maps}. */
  readonly mapOfSlot: Int32Array;

  // What the passes before the walk found, by slot.
  readonly points: Uint8Array;
  /** Registers that may still be read, one bit each. */
  readonly liveRegisters: Uint16Array;
  /** The loop that the instruction belongs to, or 0. */
  readonly loopOf: Int32Array;
  /** Instructions of each subprogram, successors first. */
  postorder = new Int32Array(0);

  /** The map that a tail call goes through, by slot, or that there is more than one. */
  readonly tailCallMaps = new Map<number, VerifierMap | "several">();

  // What the walk notes, by slot.
  readonly visits: Uint32Array;
  readonly pointerTypes: Int32Array;
  /** Bytes of the context up to the last that is accessed. */
  contextSize = 0;
  /** Slots of the longest way from the program's start to an end; Infinity where that isn't known. */
  longest = 0;
  readonly branches: Uint8Array;

  /** Types of maps that aren't the program's own, from index 3 on. */
  readonly #otherTypes: (Btf | undefined)[] = [undefined, undefined, undefined];
  /** What a tracing, LSM or struct_ops program attaches to. */
  target: AttachTarget | undefined;

  readonly pool = new FramePool();
  readonly #names: InstructionNames = {
    helper: helperName,
    kfunc: (slot) => this.kfuncAt(slot)?.name,
    // A map's address is not known outside of the kernel, and is what it shows to those who must not know it.
    constant: (slot) => (this.mapOfSlot[slot]! >= 0 ? "0x0" : undefined),
  };
  /** The path being walked. */
  state: State = new State([]);
  /** Paths to walk later, the last one first. */
  readonly pending: PendingPath[] = [];
  slot = 0;
  previousSlot = -1;
  /** The current instruction has an entry in the state's history already. */
  historyEntry = -1;
  /** Sets of linked registers that history entries refer to; index 0 is none. */
  readonly linkedSets: (readonly number[])[] = [[]];
  nextId = 0;

  processed = 0;
  jumpsProcessed = 0;
  totalStates = 0;
  peakStates = 0;
  maxStatesPerInstruction = 0;

  /** Scalars were added to pointers: other values could need other masks, so that only equal scalars cover each other. */
  comparesExactly = false;

  /** The last instruction returned to a caller: the log shows the state behind it. */
  returned = false;
  // Which registers and slots of the current frame the log has to mention.
  scratchedRegisters = -1;
  scratchedSlotsLow = -1;
  scratchedSlotsHigh = -1;
  /** Position of the log behind the current instruction's text, and that text's width. */
  instructionEnd = 0;
  instructionWidth = 0;
  /** Index of the line record logged last. */
  loggedLine = -1;

  constructor(
    input: VerifierInput,
    options: VerifyOptions,
    insns: Slots,
    rules: ProgramRules,
    log: VerifierLog,
    settings: { strictAlignment: boolean; testStateFrequency: boolean; sleepable: boolean },
  ) {
    this.input = input;
    this.options = options;
    this.log = log;
    this.insns = insns;
    this.type = input.type;
    this.attachType = input.attachType;
    this.rules = rules;
    this.flags = input.flags ?? 0;
    const held = options.capabilities ?? capabilities;
    this.hasBpf = hasCapability(held, "bpf");
    this.hasPerfmon = hasCapability(held, "perfmon");
    this.speculates = !this.hasPerfmon;
    this.gpl = isGplCompatible(input.license);
    this.strictAlignment = settings.strictAlignment;
    this.testStateFrequency = settings.testStateFrequency;
    this.sleepable = settings.sleepable;
    this.btf = input.btf;
    this.kernelTypes = input.kernelTypes;
    this.functions = input.functions ?? [];
    this.lines = input.lines ?? [];
    const length = insns.length;
    this.mapOfSlot = new Int32Array(length).fill(-1);
    this.points = new Uint8Array(length);
    this.liveRegisters = new Uint16Array(length);
    this.loopOf = new Int32Array(length);
    this.visits = new Uint32Array(length);
    this.pointerTypes = new Int32Array(length);
    this.branches = new Uint8Array(length);
  }

  /** The frame being executed. */
  get frame(): Frame {
    return this.state.frame;
  }

  freshId(): number {
    return ++this.nextId;
  }

  /** Ends the analysis: the kernel would print `message` and fail with `errno`. */
  reject(code: RejectionCode, errno: number, message: string): never {
    this.log.write(`${message}\n`);
    throw new Rejection(code, errno, message.slice(message.lastIndexOf("\n") + 1));
  }

  /** {@link reject} with EINVAL: what the program does makes no sense. */
  invalid(code: RejectionCode, message: string): never {
    this.reject(code, EINVAL, message);
  }

  /** {@link reject} with EACCES: what the program does is not allowed. */
  deny(code: RejectionCode, message: string): never {
    this.reject(code, EACCES, message);
  }

  /** Ends the analysis without a verdict. */
  notModelled(what: string): never {
    throw new NotModelled(what);
  }

  /** Must pointers' values be kept from the program? */
  hidesPointers(): boolean {
    return !this.hasPerfmon;
  }

  touchRegister(register: number): void {
    this.scratchedRegisters |= 1 << register;
  }

  touchSlot(slot: number): void {
    if (slot < 32) this.scratchedSlotsLow |= 1 << slot;
    else this.scratchedSlotsHigh |= 1 << (slot - 32);
  }

  isRegisterTouched(register: number): boolean {
    return ((this.scratchedRegisters >>> register) & 1) === 1;
  }

  isSlotTouched(slot: number): boolean {
    return slot < 32
      ? ((this.scratchedSlotsLow >>> slot) & 1) === 1
      : ((this.scratchedSlotsHigh >>> (slot - 32)) & 1) === 1;
  }

  isAnythingTouched(): boolean {
    return (this.scratchedRegisters | this.scratchedSlotsLow | this.scratchedSlotsHigh) !== 0;
  }

  touchNothing(): void {
    this.scratchedRegisters = 0;
    this.scratchedSlotsLow = 0;
    this.scratchedSlotsHigh = 0;
  }

  touchEverything(): void {
    this.scratchedRegisters = -1;
    this.scratchedSlotsLow = -1;
    this.scratchedSlotsHigh = -1;
  }

  /** Adds to the path's history, or to the entry that the current instruction has there. */
  pushHistory(state: State, flags: number, linked: number): void {
    if (this.historyEntry >= 0) {
      state.history.amend(this.historyEntry, flags, linked);
      return;
    }
    state.history.push(this.slot, this.previousSlot, flags, linked);
    this.historyEntry = state.history.length - 1;
  }

  /** The instruction in the form of the kernel's log. */
  instructionText(slot: number): string {
    return printInstruction(this.insns, slot, this.#names);
  }

  /** The kernel function that a call names, where it is known. */
  kfuncAt(slot: number): KernelFunction | undefined {
    return this.kfuncs.get(this.insns.imm[slot]!);
  }

  /** The map that a record's object number stands for. */
  mapOf(object: number): VerifierMap {
    return this.maps[object - 1]!;
  }

  /** The object number of a map of maps' inner map. */
  innerMapObject(map: VerifierMap): number {
    let index = this.maps.indexOf(map.inner!);
    if (index < 0) index = this.maps.push(map.inner!) - 1;
    return index + 1;
  }

  /** The types that a record's object number stands for: {@link KERNEL_TYPES}, {@link PROGRAM_TYPES} or a map's. */
  typesOf(object: number): Btf {
    const types =
      object === KERNEL_TYPES ? this.kernelTypes : object === PROGRAM_TYPES ? this.btf : this.#otherTypes[object];
    return types ?? this.notModelled("typed pointers without their types");
  }

  /** The object number of a set of types. */
  objectOfTypes(types: Btf): number {
    if (types === this.kernelTypes) return KERNEL_TYPES;
    if (types === this.btf) return PROGRAM_TYPES;
    const known = this.#otherTypes.indexOf(types);
    return known >= 0 ? known : this.#otherTypes.push(types) - 1;
  }

  /** Name of a type. */
  typeNameOf(object: number, typeId: number): string {
    return this.typesOf(object).name(typeId);
  }

  /** The subprogram that an instruction belongs to. */
  subprogramOf(slot: number): Subprogram {
    let low = 0;
    let high = this.subprograms.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.subprograms[middle]!.start <= slot) low = middle;
      else high = middle - 1;
    }
    return this.subprograms[low]!;
  }

  /** Index of the subprogram that starts at `slot`, or -1. */
  subprogramAt(slot: number): number {
    return this.subprograms.findIndex((subprogram) => subprogram.start === slot);
  }
}

/** A path that was put aside at a branch. */
export interface PendingPath {
  readonly state: State;
  readonly slot: number;
  readonly previousSlot: number;
  readonly logPosition: number;
}

/** bpf(2)'s limits. */
export const MAX_JUMP_SEQUENCE = 8192;
export const MAX_PROCESSED = 1_000_000;
