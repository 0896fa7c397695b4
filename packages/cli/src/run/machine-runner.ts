import type { LoadedObject, ObjectSpec, ProgramSpec } from "@tsbpf/core";
import { Machine, MachineMap, RunError } from "@tsbpf/core/machine";
import type { CapturedPacket } from "@tsbpf/core/packet";
import { ManualClock } from "@tsbpf/core/runtime";
import type { RunOptions } from "./options.js";
import type { PacketOutcome, PacketRunner } from "./packet-runner.js";
import { programsNeeded } from "./programs-needed.js";

/** Runs packets through the embedded Machine, whose clock shows each packet's time of capture. */
export async function createMachineRunner(
  spec: ObjectSpec,
  chosen: ProgramSpec,
  options: RunOptions,
  trace: (text: string) => void,
): Promise<PacketRunner> {
  const clock = new ManualClock();
  const { cpus, seed, budget } = options;
  const machine = new Machine({ cpus, seed, budget, clock, trace });
  const object = await machine.load(spec, { programs: programsNeeded(spec, chosen) });
  const program = object.program(chosen.name);
  const mapNames = mapNamesByAddress(object);
  const start = clock.monotonic();
  let epoch: { readonly seconds: number; readonly nanoseconds: number } | undefined;
  const outcome: PacketOutcome = { retval: 0, data: new Uint8Array(0), target: undefined, fault: undefined };
  let nanoseconds = 0;

  /** Moves the clock to the packet's time, counted from the first packet. Captures can step back; the clock can't. */
  function setClock(packet: CapturedPacket): void {
    epoch ??= { seconds: packet.seconds, nanoseconds: packet.nanoseconds };
    const elapsed = (packet.seconds - epoch.seconds) * 1e9 + (packet.nanoseconds - epoch.nanoseconds);
    if (start + elapsed > clock.monotonic()) clock.set(start + elapsed);
  }

  return {
    object,
    get nanoseconds() {
      return nanoseconds;
    },
    run(packet) {
      setClock(packet);
      outcome.fault = undefined;
      try {
        const { retval, data, duration } = program.testRun({ data: packet.data });
        outcome.retval = retval;
        outcome.data = data;
        outcome.target = redirectTarget(machine, mapNames);
        nanoseconds += duration;
      } catch (error) {
        if (!(error instanceof RunError)) throw error;
        // The default verdict of a hook whose program fails: XDP_ABORTED, TC_ACT_OK, a socket filter's DROP.
        outcome.retval = 0;
        outcome.data = packet.data;
        outcome.target = undefined;
        outcome.fault = error.message;
      }
      return outcome;
    },
    close: () => machine.close(),
  };
}

/** Maps by what a redirect records: the address of their header. */
function mapNamesByAddress(object: LoadedObject): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const [name, map] of Object.entries(object.maps)) {
    if (map.raw instanceof MachineMap) names.set(map.raw.object.live.address, name);
  }
  return names;
}

/** Where the last run's redirecting helper pointed. */
function redirectTarget(machine: Machine, mapNames: ReadonlyMap<number, string>): string | undefined {
  const { kind, map, index } = machine.environment.redirect;
  switch (kind) {
    case "none":
      return undefined;
    case "map":
      return `${mapNames.get(map) ?? "map"}[${index}]`;
    case "device":
      return `ifindex-${index}`;
    default:
      return `${kind}-ifindex-${index}`;
  }
}
