import type { ObjectSpec, Program, ProgramSpec } from "@tsbpf/core";
import { Machine, RunError } from "@tsbpf/core/machine";
import type { CapturedPacket } from "@tsbpf/core/packet";
import { ManualClock } from "@tsbpf/core/runtime";
import type { RunOptions } from "./options.js";
import type { PacketOutcome, PacketRunner } from "./packet-runner.js";
import { programsNeeded } from "./programs-needed.js";

/** Runs packets through the embedded Machine. Its clock shows the time of each packet's capture. */
export class MachineRunner implements PacketRunner {
  readonly #machine: Machine;
  readonly #clock: ManualClock;
  readonly #program: Program;
  readonly object: PacketRunner["object"];
  readonly #outcome: PacketOutcome = { retval: 0, data: new Uint8Array(0), target: undefined, fault: undefined };
  nanoseconds = 0;
  #firstTimestamp: number | undefined;

  private constructor(machine: Machine, clock: ManualClock, object: PacketRunner["object"], program: Program) {
    this.#machine = machine;
    this.#clock = clock;
    this.object = object;
    this.#program = program;
  }

  static async create(
    spec: ObjectSpec,
    program: ProgramSpec,
    options: RunOptions,
    trace: (text: string) => void,
  ): Promise<MachineRunner> {
    const clock = new ManualClock();
    const { cpus, seed, budget } = options;
    const machine = new Machine({ cpus, seed, budget, clock, trace });
    const object = await machine.load(spec, { programs: programsNeeded(spec, program) });
    return new MachineRunner(machine, clock, object, object.program(program.name));
  }
}
