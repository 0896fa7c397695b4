import { BpfError } from "../../base/index.js";
import { type AncillaryLoad, ancillaryLoad } from "./ancillary.js";
import { checkClassic } from "./check.js";
import { type ClassicForm, classicForms } from "./form.js";
import { CLASSIC_MEMORY_WORDS, type ClassicInstruction } from "./instruction.js";
import { findAttribute, findNestedAttribute } from "./netlink-attribute.js";
import { SKF_LL_OFF, SKF_NET_OFF } from "./opcodes.js";

/** What the kernel knows of a packet beside its bytes. All default to 0, as for a packet that came from nowhere. */
export interface ClassicEnvironment {
  /** Byte of the packet where the program's offset 0 is. */
  readonly dataStart?: number;
  /** Byte of the packet where the link-layer header starts, for loads from SKF_LL_OFF; none where undefined. */
  readonly linkStart?: number;
  /** Byte of the packet where the network header starts, for loads from SKF_NET_OFF. Default 14, behind Ethernet. */
  readonly networkStart?: number;
  /** EtherType as a number, e.g. 0x0800. */
  readonly protocol?: number;
  /** PACKET_HOST, PACKET_OUTGOING ... */
  readonly packetType?: number;
  /** The program returns 0 at once when it asks for the device of a packet that has none (0). */
  readonly ifindex?: number;
  /** ARPHRD_*; like {@link ifindex}. */
  readonly hardwareType?: number;
  readonly mark?: number;
  readonly queue?: number;
  readonly rxHash?: number;
  readonly cpu?: number;
  readonly vlanTag?: number;
  readonly vlanTagPresent?: boolean;
  /** EtherType of the VLAN tag, e.g. 0x8100. */
  readonly vlanProtocol?: number;
  /** Where the flow dissector finds the payload, in bytes. */
  readonly payloadOffset?: number;
  /** Where random numbers come from: 32 bits, unsigned. */
  readonly random?: () => number;
}

/**
 * Runs a classic program on a packet with Linux' semantics: a load beyond the packet and a division by X = 0 end it with
 * 0, shifts take their distance modulo 32. Returns the unsigned 32 bits that it returns, for a socket filter the number
 * of bytes to keep.
 *
 * @throws BpfError `"CLASSIC_PROGRAM"` when {@link checkClassic} finds a problem.
 */
export function runClassic(
  program: readonly ClassicInstruction[],
  packet: Uint8Array,
  environment: ClassicEnvironment = {},
): number {
  return prepareClassic(program)(packet, environment);
}

/** Checks a program once, for many packets. See {@link runClassic}. */
export function prepareClassic(
  program: readonly ClassicInstruction[],
): (packet: Uint8Array, environment?: ClassicEnvironment) => number {
  const problem = checkClassic(program);
  if (problem !== undefined) throw new BpfError("CLASSIC_PROGRAM", problem.message, { ...problem });
  const steps = program.map((instruction) => ({ instruction, form: classicForms.get(instruction.code)! }));
  return (packet, environment = {}) => new ClassicMachine(packet, environment).run(steps);
}

interface Step {
  readonly instruction: ClassicInstruction;
  readonly form: ClassicForm;
}

class ClassicMachine {
  readonly #packet: Uint8Array;
  readonly #view: DataView;
  readonly #environment: ClassicEnvironment;
  readonly #memory = new Uint32Array(CLASSIC_MEMORY_WORDS);
  readonly #dataStart: number;
  #a = 0;
  #x = 0;
  /** What the program returns, once it does. */
  #result: number | undefined;

  constructor(packet: Uint8Array, environment: ClassicEnvironment) {
    this.#packet = packet;
    this.#view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
    this.#environment = environment;
    this.#dataStart = environment.dataStart ?? 0;
  }

  run(steps: readonly Step[]): number {
    for (let index = 0; ; ) {
      const { instruction, form } = steps[index]!;
      index += 1 + this.#step(instruction, form);
      if (this.#result !== undefined) return this.#result >>> 0;
    }
  }

  /** Carries out one instruction; returns how many to skip. */
  #step({ jt, jf, k }: ClassicInstruction, form: ClassicForm): number {
    switch (form.kind) {
      case "load_packet":
        this.#loadPacket(k, form.size, form.indirect);
        return 0;
      case "load_length":
        this.#set(form.to, this.#packet.length - this.#dataStart);
        return 0;
      case "load_constant":
        this.#set(form.to, k);
        return 0;
      case "load_memory":
        this.#set(form.to, this.#memory[k]!);
        return 0;
      case "load_header_length":
        this.#x = (this.#load(k, 1) & 0xf) * 4;
        return 0;
      case "store_memory":
        this.#memory[k] = form.from === "a" ? this.#a : this.#x;
        return 0;
      case "alu":
        this.#a = this.#compute(form.operation, form.operand === "k" ? k : this.#x);
        return 0;
      case "neg":
        this.#a = -this.#a >>> 0;
        return 0;
      case "goto":
        return k;
      case "branch":
        return this.#holds(form.comparison, form.operand === "k" ? k : this.#x) ? jt : jf;
      case "transfer":
        this.#set(form.to, form.to === "a" ? this.#x : this.#a);
        return 0;
      case "return":
        this.#result = form.value === "k" ? k : this.#a;
        return 0;
      default:
        return form satisfies never;
    }
  }

  #set(to: "a" | "x", value: number): void {
    if (to === "a") this.#a = value >>> 0;
    else this.#x = value >>> 0;
  }

  #loadPacket(k: number, size: 1 | 2 | 4, indirect: boolean): void {
    const question = indirect ? undefined : ancillaryLoad(k);
    if (question === undefined) this.#a = this.#load(indirect ? (this.#x + k) >>> 0 : k, size);
    else this.#a = this.#ask(question) >>> 0;
  }

  /** Packet bytes at an unsigned offset, which counts from a header where its upper bits say so. */
  #load(offset: number, size: 1 | 2 | 4): number {
    const at = this.#locate(offset);
    if (at === undefined || at < 0 || at + size > this.#packet.length) {
      this.#result = 0;
      return 0;
    }
    if (size === 1) return this.#view.getUint8(at);
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #locate(offset: number): number | undefined {
    const { linkStart, networkStart = 14 } = this.#environment;
    if (offset <= 0x7fffffff) return this.#dataStart + offset;
    if (offset >= SKF_NET_OFF) return networkStart + (offset - SKF_NET_OFF);
    return offset >= SKF_LL_OFF && linkStart !== undefined ? linkStart + (offset - SKF_LL_OFF) : undefined;
  }

  #compute(operation: Extract<ClassicForm, { kind: "alu" }>["operation"], operand: number): number {
    const a = this.#a;
    switch (operation) {
      case "add":
        return (a + operand) >>> 0;
      case "sub":
        return (a - operand) >>> 0;
      case "mul":
        return Math.imul(a, operand) >>> 0;
      case "div":
      case "mod":
        if (operand === 0) this.#result = 0;
        return operand === 0 ? 0 : operation === "div" ? Math.floor(a / operand) : a % operand;
      case "and":
        return (a & operand) >>> 0;
      case "or":
        return (a | operand) >>> 0;
      case "xor":
        return (a ^ operand) >>> 0;
      case "lsh":
        return (a << operand) >>> 0;
      case "rsh":
        return a >>> operand;
      default:
        return operation satisfies never;
    }
  }

  #holds(comparison: Extract<ClassicForm, { kind: "branch" }>["comparison"], operand: number): boolean {
    switch (comparison) {
      case "jeq":
        return this.#a === operand;
      case "jgt":
        return this.#a > operand;
      case "jge":
        return this.#a >= operand;
      case "jset":
        return (this.#a & operand) !== 0;
      default:
        return comparison satisfies never;
    }
  }

  #ask(question: AncillaryLoad): number {
    const environment = this.#environment;
    switch (question) {
      case "protocol":
        return environment.protocol ?? 0;
      case "packet_type":
        return environment.packetType ?? 0;
      case "ifindex":
      case "hardware_type":
        if ((environment.ifindex ?? 0) === 0) this.#result = 0;
        return (question === "ifindex" ? environment.ifindex : environment.hardwareType) ?? 0;
      case "netlink_attribute":
        return findAttribute(this.#packet.subarray(this.#dataStart), this.#a, this.#x);
      case "nested_netlink_attribute":
        return findNestedAttribute(this.#packet.subarray(this.#dataStart), this.#a, this.#x);
      case "mark":
        return environment.mark ?? 0;
      case "queue":
        return environment.queue ?? 0;
      case "rx_hash":
        return environment.rxHash ?? 0;
      case "cpu":
        return environment.cpu ?? 0;
      case "xor_x":
        return this.#a ^ this.#x;
      case "vlan_tag":
        return environment.vlanTag ?? 0;
      case "vlan_tag_present":
        return environment.vlanTagPresent === true ? 1 : 0;
      case "payload_offset":
        return environment.payloadOffset ?? 0;
      case "random":
        return environment.random?.() ?? 0;
      case "vlan_protocol":
        return environment.vlanProtocol ?? 0;
      default:
        return question satisfies never;
    }
  }
}
