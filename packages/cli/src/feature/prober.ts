import type { MapType, ProgramType } from "@tsbpf/core/abi";

/** Instructions and sizes of programs that not every kernel takes. */
export type InstructionFeature = "largeInsnLimit" | "boundedLoops" | "v2" | "v3" | "v4";

/** Answers what a host can do, by trying. */
export interface Prober {
  /** Types that are asked about. */
  readonly programTypes: readonly ProgramType[];
  readonly mapTypes: readonly MapType[];
  /** Settings and configuration, where they are asked for and the host has any. */
  readonly settings: readonly Setting[] | undefined;
  /** Is there bpf(2)? Nothing else is asked where there is none. Undefined: the host has no system calls. */
  readonly systemCall: boolean | undefined;
  takesPrograms(type: ProgramType): boolean;
  takesMaps(type: MapType): boolean;
  /** Those of the helpers `ids` that programs of this type may call. */
  helpers(type: ProgramType, ids: readonly number[]): readonly number[];
  takesInstructions(feature: InstructionFeature): boolean;
}

/** One setting of the system. */
export interface Setting {
  readonly name: string;
  /** Null where it is not set. */
  readonly value: string | number | null;
  /** The sentence that says so. */
  readonly text: string;
  /** Is it told as a macro? */
  readonly macro: boolean;
}
