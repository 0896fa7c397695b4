import { type AttachType, attachTypeId, mapTypeId, programTypeId } from "@tsbpf/core/abi";
import type { Btf } from "@tsbpf/core/btf";
import type { BpfMap, RawMap } from "@tsbpf/core/host";
import type { Machine, MachineLink, MachineMap, MachineProgram } from "@tsbpf/core/machine";
import type { BtfDetails, LinkDetails, MapDetails, ProgramDetails } from "@tsbpf/linux";
import type { LiveBtf, LiveLayout, LiveLink, LiveMap, LiveProgram } from "./live-host.js";
import { describedLayout } from "./machine-layout.js";
import { machinePath } from "./machine-path.js";

export class MachineProgramHandle implements LiveProgram {
  readonly program: MachineProgram;
  readonly #machine: Machine;

  constructor(machine: Machine, program: MachineProgram) {
    this.#machine = machine;
    this.program = program;
  }

  get id(): number {
    return this.program.id;
  }

  get fd(): number {
    return this.program.fd;
  }

  details(): ProgramDetails {
    const info = this.program.info();
    const symbols = this.#machine.jit?.symbols() ?? [];
    const code = symbols.filter(({ name }) => name.startsWith(`bpf_prog_${info.tag}_`));
    return {
      ...info,
      type: programTypeId(info.type),
      jitedSize: code.reduce((sum, { size }) => sum + size, 0),
      recursionMisses: 0n,
      verifiedInsns: 0,
      mapCount: info.mapIds.length,
      memlock: undefined,
      interfaceIndex: 0,
      attachBtfObjectId: 0,
      attachBtfId: 0,
    };
  }

  layout(): LiveLayout {
    return describedLayout(this.program.spec, this.program.info().mapIds);
  }

  pin(path: string): void {
    this.#machine.pin(machinePath(path), this.program);
  }

  close(): void {
    this.program.close();
  }
}

export class MachineMapHandle implements LiveMap {
  readonly #machine: Machine;
  readonly #map: BpfMap;

  constructor(machine: Machine, map: BpfMap) {
    this.#machine = machine;
    this.#map = map;
  }

  get id(): number {
    return this.raw.info.id;
  }

  get raw(): RawMap {
    return this.#map.raw;
  }

  head(): MapDetails {
    return this.details();
  }

  details(): MapDetails {
    const map = this.#map.raw as MachineMap;
    const { keyTypeId, valueTypeId, mapExtra } = map.spec;
    const { type, name, ...sizes } = map.info;
    return {
      ...sizes,
      type: mapTypeId(type),
      name: name.slice(0, 15),
      btfId: map.btfId,
      keyTypeId,
      valueTypeId,
      vmlinuxValueTypeId: 0,
      mapExtra,
      memlock: map.memoryBytes,
      frozen: map.frozen,
      ownerProgramType: undefined,
      ownerJited: undefined,
      interfaceIndex: 0,
    };
  }

  pin(path: string): void {
    this.#machine.pin(machinePath(path), this.#map);
  }

  close(): void {
    this.#map.close();
  }
}

export class MachineLinkHandle implements LiveLink {
  readonly #machine: Machine;
  readonly #link: MachineLink;
  readonly #deviceName: string | undefined;

  /** @param deviceName The name of its device among those of all namespaces. */
  constructor(machine: Machine, link: MachineLink, deviceName: string | undefined) {
    this.#machine = machine;
    this.#link = link;
    this.#deviceName = deviceName;
  }

  get id(): number {
    return this.#link.id;
  }

  details(): LinkDetails {
    const { id, kind, program, place } = this.#link;
    const isTcx = kind === "tcx" && place?.direction !== undefined;
    const attachType: AttachType | undefined = isTcx ? `tcx_${place.direction!}` : undefined;
    return {
      id,
      type: kind === "iterator" ? "iter" : kind,
      programId: program.id,
      interfaceIndex: place?.device.index,
      deviceName: this.#deviceName,
      attachType,
      attachTypeNumber: attachType === undefined ? undefined : attachTypeId(attachType),
      typeNumber: 0,
    } as LinkDetails;
  }

  detach(): void {
    this.#link.detach();
  }

  pin(path: string): void {
    this.#machine.pin(machinePath(path), this.#link);
  }

  close(): void {
    this.#link.close();
  }
}

export class MachineBtfHandle implements LiveBtf {
  readonly id: number;
  readonly #btf: Btf;

  constructor(id: number, btf: Btf) {
    this.id = id;
    this.#btf = btf;
  }

  details(): BtfDetails {
    return { id: this.id, size: this.#btf.bytes.length, kernel: false, name: "" };
  }

  bytes(): Uint8Array {
    return this.#btf.bytes;
  }

  close(): void {}
}
