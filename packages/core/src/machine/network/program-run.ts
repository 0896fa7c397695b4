import type { MapCore } from "../../maps/index.js";
import { type Environment, RUN_EXIT, type RunContext } from "../../runtime/index.js";
import type { EventHub } from "../event-hub.js";
import { runError } from "../fault-error.js";
import type { MachineProgram } from "../machine-program.js";
import type { Device } from "./device.js";
import type { NetworkEvent } from "./event.js";
import type { Namespace } from "./namespace.js";

/** Runs programs on packets of devices, and on what sockets do. */
export class ProgramRun {
  readonly environment: Environment;
  /** Receives what the kernel would trace. */
  event: (event: NetworkEvent) => void = () => {};
  readonly #maps: MapCore;
  readonly #events: EventHub;

  constructor(environment: Environment, maps: MapCore, events: EventHub) {
    this.environment = environment;
    this.#maps = maps;
    this.#events = events;
  }

  /** r0's low half, unsigned; 0 for a program that faulted, which is told as an event. */
  run(program: MachineProgram, context: RunContext, device: Device): number {
    return this.#run(program, context, device.namespace, device);
  }

  /** As {@link run}, where no device is at hand. */
  runIn(program: MachineProgram, context: RunContext, namespace: Namespace): number {
    return this.#run(program, context, namespace, undefined);
  }

  #run(program: MachineProgram, context: RunContext, namespace: Namespace, device: Device | undefined): number {
    const { environment } = this;
    const { runtime } = environment;
    const { network } = environment;
    environment.network = namespace.tables;
    this.#maps.enterRun();
    const status = program.execute(runtime, context);
    this.#maps.leaveRun();
    const verdict = status === RUN_EXIT ? runtime.r0 : 0;
    if (status !== RUN_EXIT) {
      environment.redirect.clear();
      this.event({ kind: "fault", device, program, error: runError(runtime, program, status) });
    }
    environment.network = network;
    this.#events.deliver();
    return verdict;
  }
}
