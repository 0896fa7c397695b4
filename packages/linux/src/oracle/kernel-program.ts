import {
  type AttachType,
  attachTypeId,
  type Capability,
  type MapType,
  mapTypeId,
  type ProgramType,
  programTypeId,
  programTypeName,
} from "@tsbpf/core/abi";
import { BpfError } from "@tsbpf/core/base";
import { OPCODE_LDDW } from "@tsbpf/core/isa";
import {
  bpf,
  createMap,
  errnoName,
  FileDescriptor,
  type InfoRecords,
  inSandboxNamespace,
  loadBtf,
  loadProgram,
  type ProgramLoadResult,
  runProgram,
  syscallError,
  type TestRun,
  type TestRunResult,
  withCapabilities,
} from "../sys/index.js";
import { lastMessage, parseVerifierStatistics, type VerifierStatistics } from "./verifier-log.js";

/** A map that a raw program refers to by a stand-in number. */
export interface OracleMap {
  /** What the program's lddw instructions have as imm in place of the map's fd. */
  readonly fd: number;
  readonly type: MapType | number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags?: number | undefined;
  readonly mapExtra?: bigint | undefined;
  /** Stand-in of another map in the list, which is the template of the inner maps. */
  readonly innerFd?: number | undefined;
  /** Types in the program's {@link RawProgram.btf} (locks, timers, kptrs need them). */
  readonly keyTypeId?: number | undefined;
  readonly valueTypeId?: number | undefined;
  /** Values by key, written before the program is loaded. */
  readonly contents?: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[] | undefined;
  /** BPF_MAP_FREEZE after the contents are written. */
  readonly freeze?: boolean | undefined;
}

/** A program as raw as bpf(2) takes it, without an object file around it. */
export interface RawProgram {
  /** Little-endian slots. lddw with src 1 or 2 name {@link maps} by their stand-ins. */
  readonly insns: Uint8Array;
  readonly type: ProgramType | number;
  readonly attachType?: AttachType | number | undefined;
  readonly flags?: number | undefined;
  /** Default `"GPL"`. */
  readonly license?: string | undefined;
  readonly name?: string | undefined;
  readonly maps?: readonly OracleMap[] | undefined;
  /** Raw BTF with its header. */
  readonly btf?: Uint8Array | undefined;
  readonly functions?: InfoRecords | undefined;
  readonly lines?: InfoRecords | undefined;
  /** BTF id in vmlinux of what is attached to. */
  readonly attachBtfId?: number | undefined;
  /** Maps are made and the program is loaded with no more than these; with whatever this process has, where absent. */
  readonly capabilities?: readonly Capability[] | undefined;
  /** 0 none, 1 the rejected path, 2 everything, +4 statistics. Default 5; 4 where only the verdict and times matter. */
  readonly logLevel?: number | undefined;
}

/** The kernel's verdict on a program, as a value. */
export interface KernelVerdict extends VerifierStatistics {
  readonly accepted: boolean;
  /** Positive; 0 when accepted. */
  readonly errno: number;
  /** Empty when accepted. */
  readonly errnoName: string;
  readonly log: string;
  /** The log's last line before the statistics; when rejected, the reason. */
  readonly message: string;
}

/** A program in the running kernel with the maps made for it. Closing unloads all of it. */
export class KernelProgram {
  readonly #program: FileDescriptor;
  readonly #maps: ReadonlyMap<number, FileDescriptor>;
  readonly #type: ProgramType | undefined;
  readonly verdict: KernelVerdict;

  /** @internal */
  constructor(raw: RawProgram, loaded: Loaded & { readonly program: FileDescriptor }) {
    this.#program = loaded.program;
    this.#maps = loaded.maps;
    this.#type = typeof raw.type === "number" ? programTypeName(raw.type) : raw.type;
    this.verdict = loaded.verdict;
  }

  get fd(): number {
    return this.#program.number;
  }

  /** The fd of the map that the instructions knew as `standIn`. @throws BpfError `"NO_SUCH_MAP"` */
  mapFd(standIn: number): number {
    const map = this.#maps.get(standIn);
    if (map === undefined) throw new BpfError("NO_SUCH_MAP", `no map has the stand-in ${standIn}`);
    return map.number;
  }

  /**
   * BPF_PROG_TEST_RUN in an empty network namespace.
   *
   * @throws SyscallError for types that have no test run (ENOTSUPP, EINVAL) and inputs that the kernel does not take.
   */
  testRun(run: TestRun): TestRunResult {
    const result = inSandboxNamespace(() => runProgram(this.fd, this.#type, run));
    if (typeof result === "number") throw syscallError("BPF_PROG_TEST_RUN", -result);
    return result;
  }

  close(): void {
    this.#program.close();
    for (const map of this.#maps.values()) map.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Asks the running kernel's verifier: loads the program with its maps, and takes everything down again.
 *
 *     const { accepted, message, processed } = verifyOnKernel({ insns, type: "xdp" });
 *
 * @throws SyscallError when a map or the BTF that the program needs cannot be made (not when the program is rejected).
 */
export function verifyOnKernel(program: RawProgram): KernelVerdict {
  const loaded = tryLoad(program);
  loaded.close();
  return loaded.verdict;
}

/**
 * Loads a raw program and keeps it, to run it:
 *
 *     using program = loadOnKernel({ insns, type: "xdp" });
 *     const { retval, data } = program.testRun({ data: packet });
 *
 * @throws SyscallError with the verifier's log when the program is rejected.
 */
export function loadOnKernel(program: RawProgram): KernelProgram {
  const loaded = tryLoad(program);
  const { verdict, program: owner } = loaded;
  if (owner === undefined) {
    loaded.close();
    throw syscallError("BPF_PROG_LOAD", verdict.errno, { log: verdict.log, hint: verdict.message });
  }
  return new KernelProgram(program, { ...loaded, program: owner });
}

interface Loaded {
  readonly program: FileDescriptor | undefined;
  readonly maps: ReadonlyMap<number, FileDescriptor>;
  readonly verdict: KernelVerdict;
  close(): void;
}

function tryLoad(raw: RawProgram): Loaded {
  return raw.capabilities === undefined ? load(raw) : withCapabilities(raw.capabilities, () => load(raw));
}

function load(raw: RawProgram): Loaded {
  const maps = new Map<number, FileDescriptor>();
  let btf: FileDescriptor | undefined;
  let program: FileDescriptor | undefined;
  const close = () => {
    program?.close();
    for (const map of maps.values()) map.close();
  };
  try {
    if (raw.btf !== undefined) {
      const { result, log } = loadBtf(raw.btf);
      if (result < 0) throw syscallError("BPF_BTF_LOAD", -result, { log });
      btf = new FileDescriptor(result, "BTF");
    }
    for (const map of raw.maps ?? []) maps.set(map.fd, makeMap(map, maps, btf));
    const loaded = loadProgram({
      type: typeof raw.type === "number" ? raw.type : programTypeId(raw.type),
      expectedAttachType: typeof raw.attachType === "string" ? attachTypeId(raw.attachType) : raw.attachType,
      insns: withMapFds(raw.insns, maps),
      flags: raw.flags,
      license: raw.license ?? "GPL",
      name: raw.name,
      btfFd: btf?.number,
      functions: raw.functions,
      lines: raw.lines,
      attachBtfId: raw.attachBtfId,
      logLevel: raw.logLevel ?? 5,
    });
    if (loaded.result >= 0) program = new FileDescriptor(loaded.result, `program '${raw.name ?? ""}'`);
    return { program, maps, verdict: verdictOf(loaded), close };
  } catch (error) {
    close();
    throw error;
  } finally {
    btf?.close();
  }
}

function makeMap(
  map: OracleMap,
  others: ReadonlyMap<number, FileDescriptor>,
  btf: FileDescriptor | undefined,
): FileDescriptor {
  const typed = (map.keyTypeId ?? 0) !== 0 || (map.valueTypeId ?? 0) !== 0;
  const fd = createMap({
    ...map,
    type: typeof map.type === "number" ? map.type : mapTypeId(map.type),
    innerMapFd: map.innerFd === undefined ? undefined : others.get(map.innerFd)?.number,
    btfFd: typed ? btf?.number : undefined,
  });
  const owner = new FileDescriptor(fd, `map ${map.fd}`);
  try {
    for (const { key, value } of map.contents ?? []) bpf("BPF_MAP_UPDATE_ELEM", { map_fd: fd, key, value });
    if (map.freeze) bpf("BPF_MAP_FREEZE", { map_fd: fd });
  } catch (error) {
    owner.close();
    throw error;
  }
  return owner;
}

/** A copy of the instructions with map fds in place of the stand-ins. */
function withMapFds(insns: Uint8Array, maps: ReadonlyMap<number, FileDescriptor>): Uint8Array {
  // Not slice(): a Buffer's is a view of the same memory.
  const patched = new Uint8Array(insns);
  const view = new DataView(patched.buffer);
  for (let at = 0; at + 8 <= patched.length; at += 8) {
    if (patched[at] !== OPCODE_LDDW) continue;
    const source = patched[at + 1]! >> 4;
    // BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE.
    const map = source === 1 || source === 2 ? maps.get(view.getInt32(at + 4, true)) : undefined;
    if (map !== undefined) view.setInt32(at + 4, map.number, true);
    at += 8;
  }
  return patched;
}

function verdictOf({ result, log }: ProgramLoadResult): KernelVerdict {
  const errno = result < 0 ? -result : 0;
  return {
    accepted: errno === 0,
    errno,
    errnoName: errno === 0 ? "" : errnoName(errno),
    log,
    message: lastMessage(log),
    ...parseVerifierStatistics(log),
  };
}
