import type { LoadedObject } from "@tsbpf/core/host";
import {
  type BatchedPacket,
  Machine,
  MachineMap,
  type PacketOutcome as MachineOutcome,
  type PacketRunner as MachinePackets,
  MachineProgram,
  type PacketBatch,
} from "@tsbpf/core/machine";
import type { CapturedPacket } from "@tsbpf/core/packet";
import { ManualClock } from "@tsbpf/core/runtime";
import type { ObjectSpec, ProgramSpec } from "@tsbpf/core/spec";
import { CommandError } from "../command-error.js";
import type { RunOptions } from "./options.js";
import type { PacketOutcome, PacketQueue, PacketRunner } from "./packet-runner.js";
import { programsNeeded } from "./programs-needed.js";

/** Loads a program into an embedded Machine of its own, ready for packets. */
export async function createMachineRunner(
  spec: ObjectSpec,
  chosen: ProgramSpec,
  options: RunOptions,
  trace: (text: string) => void,
): Promise<PacketRunner> {
  const clock = new ManualClock();
  const { cpus, seed, budget, engine, verify } = options;
  const machine = new Machine({ cpus, seed, budget, engine, clock, trace });
  const object = await machine.load(spec, { programs: programsNeeded(spec, chosen), verify });
  const program = object.program(chosen.name);
  if (!(program instanceof MachineProgram)) throw new CommandError(`'${chosen.name}' is no program of the Machine`);
  return new MachineRunner({ object, clock, machine, program });
}

/** Runs packets through the embedded Machine, whose clock shows each packet's time of capture. */
class MachineRunner implements PacketRunner, PacketOutcome {
  readonly object: LoadedObject;
  retval = 0;
  skipped = false;
  fault: string | undefined;
  readonly #machine: Machine;
  readonly #program: MachineProgram;
  readonly #packets: MachinePackets;
  readonly #captureClock: CaptureClock;
  readonly #mapNames: ReadonlyMap<number, string>;
  #batch: PacketBatch | undefined;
  #nanoseconds = 0;
  /** Where the last packet is: with the runner, or in the batch. */
  #last: Pick<MachinePackets, "packet">;

  constructor(parts: { object: LoadedObject; clock: ManualClock; machine: Machine; program: MachineProgram }) {
    const { object, clock, machine, program } = parts;
    this.object = object;
    this.#machine = machine;
    this.#program = program;
    this.#packets = machine.createPacketRunner(program);
    this.#last = this.#packets;
    this.#captureClock = new CaptureClock(clock);
    this.#mapNames = mapNamesByAddress(object);
  }

  get nanoseconds(): number {
    return this.#nanoseconds + (this.#batch?.nanoseconds ?? 0);
  }

  run(packet: CapturedPacket): PacketOutcome {
    this.#captureClock.follow(packet);
    const started = performance.now();
    const outcome = this.#packets.run(packet.bytes, packet.offset, packet.length);
    this.#nanoseconds += (performance.now() - started) * 1e6;
    this.#last = this.#packets;
    this.#note(outcome, this.#packets);
    return this;
  }

  /** Packets of programs that call something which looks at the run in progress don't wait. */
  queue(visit: (outcome: PacketOutcome) => void): PacketQueue | undefined {
    const batch = this.#machine.createPacketBatch(this.#program, (packet) => {
      this.#last = packet;
      this.#note(packet.outcome, packet);
      visit(this);
    });
    if (!batch.waits) {
      batch.close();
      return undefined;
    }
    this.#batch = batch;
    return {
      add: (packet) => {
        this.#captureClock.follow(packet);
        batch.add(packet.bytes, packet.offset, packet.length);
      },
      flush: () => batch.flush(),
    };
  }

  packet(): Uint8Array {
    return this.#last.packet();
  }

  get target(): string | undefined {
    const { kind, map, index } = this.#packets.redirect;
    switch (kind) {
      case "none":
        return undefined;
      case "map":
        return `${this.#mapNames.get(map) ?? "map"}[${index}]`;
      case "device":
        return `ifindex-${index}`;
      default:
        return `${kind}-ifindex-${index}`;
    }
  }

  close(): void {
    this.#batch?.close();
    this.#packets.close();
    this.#machine.close();
  }

  #note(outcome: MachineOutcome, last: Pick<BatchedPacket, "retval" | "error">): void {
    this.skipped = outcome === "skipped";
    const failed = outcome === "fault" || outcome === "budget";
    this.fault = failed ? last.error?.message : undefined;
    // The default verdict of a hook whose program fails is 0: XDP_ABORTED, TC_ACT_OK, a socket filter's drop.
    this.retval = failed ? 0 : last.retval;
  }
}

/** Moves a clock along with the packets of a capture, counted from the first. */
class CaptureClock {
  readonly #clock: ManualClock;
  readonly #start: number;
  #seconds: number | undefined;
  #nanoseconds = 0;

  constructor(clock: ManualClock) {
    this.#clock = clock;
    this.#start = clock.monotonic();
  }

  /** Captures can step back, and start again with each pass; the clock cannot. */
  follow({ seconds, nanoseconds }: CapturedPacket): void {
    if (this.#seconds === undefined) {
      this.#seconds = seconds;
      this.#nanoseconds = nanoseconds;
    }
    const time = this.#start + (seconds - this.#seconds) * 1e9 + (nanoseconds - this.#nanoseconds);
    if (time > this.#clock.monotonic()) this.#clock.set(time);
  }
}

/** Maps by what a redirect records: the address of their header. */
function mapNamesByAddress(object: LoadedObject): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const [name, map] of Object.entries(object.maps)) {
    if (map.raw instanceof MachineMap) names.set(map.raw.object.live.address, name);
  }
  return names;
}
