import { type AncillaryLoad, ancillaryLoad } from "./ancillary.js";
import { classicForms } from "./form.js";
import type { ClassicInstruction } from "./instruction.js";

const ancillaryNames: Readonly<Record<AncillaryLoad, string>> = {
  protocol: "proto",
  packet_type: "type",
  ifindex: "ifidx",
  netlink_attribute: "nla",
  nested_netlink_attribute: "nlan",
  mark: "mark",
  queue: "queue",
  hardware_type: "hatype",
  rx_hash: "rxhash",
  cpu: "cpu",
  xor_x: "xor_x",
  vlan_tag: "vlan_tci",
  vlan_tag_present: "vlanp",
  payload_offset: "poff",
  random: "rand",
  vlan_protocol: "vlan_tpid",
};

const loadNames = { 1: "ldb", 2: "ldh", 4: "ld" } as const;

/** The program in the form of `tcpdump -d`, a line an instruction: `(003) jeq      #0x6             jt 4	jf 5`. */
export function disassembleClassic(program: readonly ClassicInstruction[]): string[] {
  return program.map((instruction, index) => {
    const [name, operand] = describe(instruction, index);
    const text = `(${String(index).padStart(3, "0")}) ${name.padEnd(8)} `;
    if (classicForms.get(instruction.code)?.kind !== "branch") return text + operand;
    return `${text}${operand.padEnd(16)} jt ${index + 1 + instruction.jt}\tjf ${index + 1 + instruction.jf}`;
  });
}

/** Mnemonic and operand. */
function describe({ code, k }: ClassicInstruction, index: number): readonly [string, string] {
  const form = classicForms.get(code);
  const hex = `#0x${k.toString(16)}`;
  if (form === undefined) return ["unimp", `0x${code.toString(16)}`];
  switch (form.kind) {
    case "load_packet": {
      if (form.indirect) return [loadNames[form.size], `[x + ${k | 0}]`];
      const question = ancillaryLoad(k);
      return [loadNames[form.size], `[${question === undefined ? k | 0 : ancillaryNames[question]}]`];
    }
    case "load_length":
      return [form.to === "a" ? "ld" : "ldx", "#pktlen"];
    case "load_constant":
      return [form.to === "a" ? "ld" : "ldx", hex];
    case "load_memory":
      return [form.to === "a" ? "ld" : "ldx", `M[${k}]`];
    case "load_header_length":
      return ["ldxb", `4*([${k | 0}]&0xf)`];
    case "store_memory":
      return [form.from === "a" ? "st" : "stx", `M[${k}]`];
    case "alu": {
      if (form.operand === "x") return [form.operation, "x"];
      const bitwise = form.operation === "and" || form.operation === "or" || form.operation === "xor";
      return [form.operation, bitwise ? hex : `#${k | 0}`];
    }
    case "neg":
      return ["neg", ""];
    case "goto":
      return ["ja", String(index + 1 + k)];
    case "branch":
      return [form.comparison, form.operand === "x" ? "x" : hex];
    case "transfer":
      return [form.to === "a" ? "txa" : "tax", ""];
    case "return":
      return ["ret", form.value === "a" ? "a" : `#${k | 0}`];
    default:
      return form satisfies never;
  }
}
