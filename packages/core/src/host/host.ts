import type { MapSpec, ObjectSpec, ProgramSpec } from "../spec/index.js";
import type { BpfMap } from "./map.js";
import type { Program } from "./program.js";
import type { Variable } from "./variable.js";

/** Choices for one load. */
export interface LoadOptions {
  /** Programs to load, by name; without it all those whose `autoload` is set. */
  readonly programs?: readonly string[] | undefined;
  /** Maps to use in place of those of the spec, by the name in the spec. Closing the object leaves them open. */
  readonly maps?: Readonly<Record<string, BpfMap>> | undefined;
  /** Verifier log: 0 none (a failed load still has one), 1 brief, 2 every instruction, 4 statistics. */
  readonly logLevel?: number | undefined;
}

/** Names and types of an object's parts, as `tsbpf gen ts` writes them; the default knows nothing. */
export interface ObjectShape {
  readonly maps: Readonly<Record<string, BpfMap>>;
  readonly programs: Readonly<Record<string, Program>>;
  readonly variables: Readonly<Record<string, Variable>>;
}

/** Everything that one load created. */
export interface LoadedObject<Shape extends ObjectShape = ObjectShape> {
  readonly name: string;
  readonly maps: Shape["maps"];
  readonly programs: Shape["programs"];
  /** Global variables, live: reading and writing them reads and writes the map that programs see. */
  readonly variables: Shape["variables"];
  /** @throws BpfError `"NO_SUCH_MAP"` naming those that there are. */
  map(name: string): BpfMap;
  /** @throws BpfError `"NO_SUCH_PROGRAM"` naming those that there are. */
  program(name: string): Program;
  /** Closes every program and map of the object. What links, pins or other maps hold lives on. Twice is harmless. */
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * Where programs live: the embedded Machine or the running Linux kernel.
 *
 * Loading is asynchronous, because verification and compilation may take long and yield. Everything else is synchronous
 * on both hosts: map access, test runs, attaching, closing.
 */
export interface Host {
  readonly kind: "machine" | "linux";
  /** Possible CPUs: the elements of a per-CPU value. */
  readonly cpus: number;

  /**
   * Creates the object's maps, fills and freezes them, and verifies and loads its programs. Nothing is left behind when
   * it fails.
   *
   * @throws VerifierError for a program that the verifier refuses, SyscallError for any other refusal, NotSupportedError
   * for what this host (or kernel) lacks.
   */
  load<Shape extends ObjectShape = ObjectShape>(spec: ObjectSpec, options?: LoadOptions): Promise<LoadedObject<Shape>>;

  /** One program by itself; the maps it refers to are given in `options.maps`. Errors as for {@link load}. */
  loadProgram(spec: ProgramSpec, options?: Omit<LoadOptions, "programs">): Promise<Program>;

  /** @throws SyscallError with the errno of BPF_MAP_CREATE. */
  createMap(spec: MapSpec): BpfMap;

  /** Closes everything that was made through this host object. Twice is harmless. */
  close(): void;
  [Symbol.dispose](): void;
}
