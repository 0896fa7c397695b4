import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { describeKernel } from "../testing/kernel.js";
import { type AttrField, bpfCommands } from "./attributes.js";

interface DumpedMember {
  readonly name: string;
  readonly type_id: number;
  readonly bits_offset: number;
}
interface DumpedType {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly type_id: number;
  readonly members?: readonly DumpedMember[];
  readonly values?: readonly { readonly name: string; readonly val: number }[];
}

function dumpKernelTypes(): Map<number, DumpedType> {
  const json = execFileSync("bpftool", ["-j", "btf", "dump", "file", "/sys/kernel/btf/vmlinux"], {
    maxBuffer: 1 << 28,
    encoding: "utf8",
  });
  const { types } = JSON.parse(json) as { types: DumpedType[] };
  return new Map(types.map((type) => [type.id, type]));
}

/** Every place that a field name has in the union: the same name occurs in several commands' parts. */
function collectOffsets(types: Map<number, DumpedType>, id: number, base: number, prefix: string, into: Set<string>) {
  let type = types.get(id)!;
  while (type.kind === "TYPEDEF") type = types.get(type.type_id)!;
  for (const member of type.members ?? []) {
    const offset = base + member.bits_offset / 8;
    into.add(`${prefix}${member.name}@${offset}`);
    into.add(`${member.name}@${offset}`);
    collectOffsets(types, member.type_id, offset, member.name === "(anon)" ? prefix : `${member.name}.`, into);
  }
}

describeKernel("bpf attr tables", () => {
  it("have the running kernel's commands and offsets", () => {
    const types = dumpKernelTypes();
    const all = [...types.values()];
    const union = all.find((type) => type.kind === "UNION" && type.name === "bpf_attr")!;
    const offsets = new Set<string>();
    collectOffsets(types, union.id, 0, "", offsets);
    const numbers = all.find((type) => type.kind === "ENUM" && type.name === "bpf_cmd")!.values!;
    const known = new Map(numbers.map(({ name, val }) => [name, val]));
    for (const [command, { number, attr }] of Object.entries(bpfCommands)) {
      // A kernel older than 6.18 lacks the last commands.
      if (known.has(command)) expect([command, known.get(command)]).toEqual([command, number]);
      for (const [field, { offset }] of Object.entries<AttrField>(attr))
        expect(offsets).toContain(`${field}@${offset}`);
    }
  });
});
