import { helperName } from "@tsbpf/core/abi";
import { lineAt } from "@tsbpf/core/host";
import { disassemble } from "@tsbpf/core/isa";
import type { CompileStatistics, FunctionListing } from "@tsbpf/core/jit";
import { loadKernelTypes } from "@tsbpf/core/kernel-types";
import { Machine } from "@tsbpf/core/machine";
import type { ProgramSpec } from "@tsbpf/core/spec";
import { chooseProgram, readObjectFile } from "../object-file.js";
import { printJson, type Session } from "../session.js";

/** `tsbpf disasm FILE --wasm`: what the JIT makes of an object's programs, instruction by instruction. */
export async function printWasm(session: Session, file: string, options: { readonly program?: string }): Promise<void> {
  const { terminal } = session;
  const object = await readObjectFile(file);
  const programs =
    options.program === undefined ? [...object.programs.values()] : [chooseProgram(object, options.program)];
  const machine = new Machine({ jit: { listings: true } });
  try {
    const listed = [];
    const names = programs.map(({ name }) => name);
    const loaded = await machine.load(object, { programs: names, targetBtf: await loadKernelTypes() });
    for (const spec of programs) {
      const program = loaded.program(spec.name) as ReturnType<Machine["programById"]>;
      const { code } = program;
      if (session.json) {
        const wasm = code?.listing?.map((each) => ({ name: each.name, lines: each.lines }));
        listed.push({ name: spec.name, type: spec.type, jited: code !== undefined, ...code?.statistics, wasm });
        continue;
      }
      const what = code === undefined ? "interpreted" : summary(code.statistics);
      terminal.print(terminal.style("bold", `${spec.name}  (${spec.type}): ${spec.insns.length / 8} slots, ${what}`));
      for (const each of code?.listing ?? []) for (const line of linesOf(spec, each)) terminal.print(line);
      terminal.print();
    }
    if (session.json) printJson(session, listed);
  } finally {
    machine.close();
  }
}

/** What the JIT says of its work: time that it took, in milliseconds, and what came out. */
function summary({ checked, size, time, instructions, ...counts }: CompileStatistics): string {
  const { accesses, checkedAccesses, deadSlots, inlinedCalls } = counts;
  return [
    `${checked ? "every access checked" : "unchecked"}, ${size} bytes of WebAssembly in ${(time / 1e6).toFixed(1)} ms`,
    `${instructions} instructions, ${deadSlots} slots dropped`,
    `${checkedAccesses} of ${accesses} accesses checked, ${inlinedCalls} helper calls inlined`,
  ].join("; ");
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
