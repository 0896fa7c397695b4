import type { BpfMap, LoadedObject, ObjectShape } from "../../host/index.js";
import type { MapSpec, ObjectSpec } from "../../spec/index.js";
import type { MachineProgram } from "../machine-program.js";
import { CaptureDevice, type CaptureDeviceOptions, type DeviceOffload, type Namespace } from "../network/index.js";
import type { MachineLoadOptions } from "../object-loader.js";
import type { PacketRunner } from "../packet-runner.js";
import { checkOffloadedMap, checkOffloadedProgram } from "./nic-limits.js";

/** The card's own BPF subsystem: memory, programs and maps of its own. */
export interface NicProcessor {
  load<Shape extends ObjectShape = ObjectShape>(
    spec: ObjectSpec,
    options?: MachineLoadOptions,
  ): Promise<LoadedObject<Shape>>;
  createMap(spec: MapSpec): BpfMap;
  createPacketRunner(program: MachineProgram): PacketRunner;
  owns(program: MachineProgram): boolean;
  close(): void;
}

const XDP = { aborted: 0, drop: 1, pass: 2, tx: 3 } as const;
const TC_ACT_SHOT = 2;

/**
 * A network card that runs XDP and tc programs itself, simulated: no hardware is like it in all. Programs and maps are
 * loaded onto the card (`nic.load()`), in memory of its own and within its limits, and attached with mode `"offload"`. A
 * frame that they drop or send back never comes to the Machine.
 */
export class SimulatedNic extends CaptureDevice implements DeviceOffload {
  /** What it is, wherever it shows. */
  readonly driver = "simulated";
  override readonly offload = this;
  readonly #processor: NicProcessor;
  readonly #slots = new Map<"xdp" | "ingress", PacketRunner>();

  /** @internal */
  constructor(namespace: Namespace, name: string, options: CaptureDeviceOptions, processor: NicProcessor) {
    super(namespace, name, options);
    this.#processor = processor;
  }

  /**
   * Loads an object onto the card.
   *
   * @throws VerifierError for programs, SyscallError EOPNOTSUPP for maps that the card does not take: with what its driver
   * says. Else as `machine.load()`.
   */
  async load<Shape extends ObjectShape = ObjectShape>(
    spec: ObjectSpec,
    options: MachineLoadOptions = {},
  ): Promise<LoadedObject<Shape>> {
    for (const map of spec.maps.values()) if (map.autocreate) checkOffloadedMap(this.name, map);
    for (const [name, program] of spec.programs) {
      if (options.programs?.includes(name) ?? program.autoload) checkOffloadedProgram(this.name, program);
    }
    return this.#processor.load<Shape>(spec, options);
  }

  /** A map on the card. */
  createMap(spec: MapSpec): BpfMap {
    checkOffloadedMap(this.name, spec);
    return this.#processor.createMap(spec);
  }

  /** @internal */
  owns(program: MachineProgram): boolean {
    return this.#processor.owns(program);
  }

  /** @internal */
  taken(hook: "xdp" | "ingress"): boolean {
    return this.#slots.has(hook);
  }

  /** @internal */
  put(hook: "xdp" | "ingress", program: MachineProgram | undefined): void {
    this.#slots.get(hook)?.close();
    if (program === undefined) this.#slots.delete(hook);
    else this.#slots.set(hook, this.#processor.createPacketRunner(program));
  }

  override enqueue(bytes: Uint8Array, queue?: number): void {
    const left = this.up ? this.#process(bytes) : bytes;
    if (left !== undefined) super.enqueue(left, queue);
  }

  /** @internal */
  closeProcessor(): void {
    for (const hook of ["xdp", "ingress"] as const) this.put(hook, undefined);
    this.#processor.close();
  }

  /** What comes through to the Machine. */
  #process(bytes: Uint8Array): Uint8Array | undefined {
    const xdp = this.#slots.get("xdp");
    const left = xdp === undefined ? bytes : this.#runXdp(xdp, bytes);
    const ingress = this.#slots.get("ingress");
    if (left === undefined || ingress === undefined) return left;
    const verdict = ingress.run(left) === "verdict" ? ingress.retval : TC_ACT_SHOT;
    if (verdict !== TC_ACT_SHOT) return ingress.packet();
    this.counters.rxDropped++;
    return undefined;
  }

  #runXdp(runner: PacketRunner, bytes: Uint8Array): Uint8Array | undefined {
    const { counters } = this;
    // A fault on the card is as its own: the frame is lost.
    switch (runner.run(bytes) === "verdict" ? runner.retval : XDP.aborted) {
      case XDP.pass:
        counters.xdpPass++;
        return runner.packet();
      case XDP.drop:
        counters.xdpDrop++;
        return undefined;
      case XDP.tx:
        counters.xdpTx++;
        this.startTransmit(this.network.frames.from(runner.packet()));
        return undefined;
      default:
        counters.xdpAborted++;
        return undefined;
    }
  }
}
