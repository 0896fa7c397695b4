import { type Capability, E2BIG, EINVAL, EPERM, hasCapability } from "../abi/index.js";
import { BpfError } from "../base/index.js";
import type { Btf } from "../btf/index.js";
import type { BpfMap } from "../host/index.js";
import { InterpretedProgram } from "../interpreter/index.js";
import type { JitExecutable } from "../jit/index.js";
import type { Engine, HelperTable, ProgramImage } from "../runtime/index.js";
import type { ProgramSpec } from "../spec/index.js";
import { removeDeadCode } from "./dead-code.js";
import { exceptionCallback } from "./exception-callback.js";
import { failure } from "./failure.js";
import { MachineMap } from "./machine-map.js";
import { checkHelpers, resolveCode } from "./program-code.js";
import { programTag } from "./program-tag.js";
import { verifyProgram } from "./verification.js";

/** Maps of one program (MAX_USED_MAPS). */
const MAX_MAPS = 64;
const TOO_LARGE_NOTE = "interpreted: the program makes more code than WebAssembly or the JIT's limit takes\n";

/** What is loaded with a program. */
export interface ProgramSurroundings {
  /** Maps by the names of the program's references; more than it refers to do no harm. */
  readonly maps: ReadonlyMap<string, BpfMap>;
  readonly btf: Btf | undefined;
  readonly kernelTypes: Btf | undefined;
  readonly logLevel: number;
  readonly verify: boolean;
}

/** A program that is ready to run. */
export interface PreparedProgram {
  readonly image: ProgramImage;
  /** Maps that it holds. */
  readonly maps: readonly MachineMap[];
  /** Loaded with the JIT on, which interprets what makes too much code. */
  readonly jited: boolean;
  /** What its references call them. */
  readonly mapNames: readonly string[];
  readonly log: string;
  readonly tag: string;
  /** Bytes of the context that it accesses, as far as that is known. */
  readonly contextSize: number;
}

/**
 * Verifies a program, fills its references in and hands it to an engine.
 *
 * @throws VerifierError, NotSupportedError for a helper that isn't there, BpfError `"NO_SUCH_MAP"`
 */
export function prepareProgram(
  spec: ProgramSpec,
  { maps: all, btf, kernelTypes, logLevel, verify }: ProgramSurroundings,
  machine: {
    readonly engine: Engine;
    readonly helpers: HelperTable;
    /** The types of the kernel objects that helpers give and take. */
    readonly objectTypes: Btf | undefined;
    /** Kernel functions by name, and their numbers. */
    readonly kfuncs: ReadonlyMap<string, number>;
    readonly cpus: number;
    /** Those of the loader. */
    readonly capabilities: readonly Capability[];
    owns(map: MachineMap): boolean;
    /** Whether the program may tail call through a prog array. */
    mayCallThrough(map: MachineMap, program: ProgramSpec): boolean;
  },
): PreparedProgram {
  const maps = referencedMaps(spec, all, (map) => machine.owns(map));
  for (const map of maps.values()) {
    if (map.info.type === "prog_array" && !machine.mayCallThrough(map, spec)) {
      throw failure("BPF_PROG_LOAD", EINVAL, `prog array '${map.info.name}' is for programs of another kind`);
    }
  }
  const { cpus, capabilities } = machine;
  const privileged = hasCapability(capabilities, "bpf") && hasCapability(capabilities, "perfmon");
  const verification = verify
    ? verifyProgram(spec, { maps, btf, kernelTypes, logLevel, cpus, capabilities })
    : { verified: false, log: "", visits: undefined, guarded: undefined, contextSize: 0, proof: undefined };
  const { visits, verified, guarded, contextSize = 0, proof } = verification;
  if (!privileged && !verified)
    throw failure(
      "BPF_PROG_LOAD",
      EPERM,
      `what was not verified is for loaders with CAP_BPF and CAP_PERFMON: ${verification.log}`,
    );
  if (maps.size > MAX_MAPS) throw failure("BPF_PROG_LOAD", E2BIG, `a program refers to ${MAX_MAPS} maps at most`);
  const reached = visits === undefined ? spec.insns : removeDeadCode(spec.insns, visits);
  checkHelpers(spec, reached, machine.helpers, machine.objectTypes);
  const insns = resolveCode(spec, reached, {
    header: (name) => maps.get(name)!.object.live.address,
    value: (name) => maps.get(name)!.object.valueAddress,
    kfunc: (name) => machine.kfuncs.get(name),
  });
  const tag = programTag(spec);
  const identity = { tag, functions: new Map(spec.functions.map(({ slot, name }) => [slot, name])) };
  const executable: JitExecutable = {
    ...{ name: spec.name, insns, verified, guarded, proof, identity },
    unprivileged: !hasCapability(capabilities, "bpf"),
    exceptionCallback: exceptionCallback(spec, btf),
  };
  const image = machine.engine.prepare(executable);
  const interpreted = machine.engine.name === "jit" && image instanceof InterpretedProgram;
  const log = verification.log + (interpreted ? TOO_LARGE_NOTE : "");
  return {
    image,
    jited: machine.engine.name === "jit",
    mapNames: [...maps.keys()],
    maps: [...maps.values()],
    log,
    tag,
    contextSize,
  };
}

function referencedMaps(
  spec: ProgramSpec,
  all: ReadonlyMap<string, BpfMap>,
  owns: (map: MachineMap) => boolean,
): Map<string, MachineMap> {
  const maps = new Map<string, MachineMap>();
  for (const reference of spec.references) {
    if (reference.kind !== "map" && reference.kind !== "map_value") continue;
    const name = reference.map;
    const map = all.get(name);
    if (map === undefined) {
      throw new BpfError("NO_SUCH_MAP", `program '${spec.name}' refers to a map '${name}', which was not given`, {
        name,
      });
    }
    if (!(map.raw instanceof MachineMap) || !owns(map.raw)) {
      throw new BpfError("NO_SUCH_MAP", `map '${name}' is not of this Machine`, { name });
    }
    maps.set(name, map.raw);
  }
  return maps;
}
