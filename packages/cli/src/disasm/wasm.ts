import { helperName } from "@tsbpf/core/abi";
import { lineAt } from "@tsbpf/core/host";
import { disassemble } from "@tsbpf/core/isa";
import type { FunctionListing } from "@tsbpf/core/jit";
import { loadKernelTypes } from "@tsbpf/core/kernel-types";
import { Machine } from "@tsbpf/core/machine";
import type { ProgramSpec } from "@tsbpf/core/spec";
import { chooseProgram, readObjectFile } from "../object-file.js";
import type { Session } from "../session.js";

/** `tsbpf disasm FILE --wasm`: what the JIT makes of an object's programs, instruction by instruction. */
export async function printWasm(
  { terminal }: Session,
  file: string,
  options: { readonly program?: string },
): Promise<void> {
  const object = await readObjectFile(file);
  const programs =
    options.program === undefined ? [...object.programs.values()] : [chooseProgram(object, options.program)];
  const machine = new Machine({ jit: { listings: true } });
  try {
    const names = programs.map(({ name }) => name);
    const loaded = await machine.load(object, { programs: names, targetBtf: await loadKernelTypes() });
    for (const spec of programs) {
      const program = loaded.program(spec.name) as ReturnType<Machine["programById"]>;
      const { code } = program;
      const what =
        code === undefined
          ? "interpreted"
          : `${code.checked ? "every access checked" : "unchecked"}, ${code.size} bytes of WebAssembly`;
      terminal.print(terminal.style("bold", `${spec.name}  (${spec.type}): ${spec.insns.length / 8} slots, ${what}`));
      for (const each of code?.listing ?? []) for (const line of linesOf(spec, each)) terminal.print(line);
      terminal.print();
    }
  } finally {
    machine.close();
  }
}

function* linesOf(spec: ProgramSpec, { name, lines }: FunctionListing): Generator<string> {
  const names = { helper: helperName };
  const instructions = new Map(disassemble(spec.insns, { names }).map(({ slot, text }) => [slot, text]));
  let shown: string | undefined;
  yield `(func $${name}`;
  for (const { slot, depth, text } of lines) {
    const indent = "  ".repeat(depth + 1);
    if (slot !== undefined) {
      const source = lineAt(spec, slot);
      const place = source && `${indent};; ${source.text.trim()} @ ${source.file}:${source.line}`;
      if (place !== undefined && place !== shown) yield place;
      shown = place ?? shown;
      yield `${indent};; ${slot}: ${instructions.get(slot) ?? ""}`;
    }
    yield indent + text;
  }
  yield ")";
}
