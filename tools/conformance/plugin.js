// Runs one program the way bpf_conformance's runner asks for it: program on standard input, memory as an argument, r0 on
// standard output.
import { readFileSync } from "node:fs";
import { Interpreter } from "@tsbpf/core/interpreter";
import { Jit } from "@tsbpf/core/jit";
import { readObject } from "@tsbpf/core/object";
import { Runtime } from "@tsbpf/core/runtime";

const USAGE = `usage: conformance-plugin [MEMORY] [--engine interpreter|jit] [--checked] [--elf] [--program NAME] < PROGRAM
MEMORY and PROGRAM are hex bytes, in any spacing. r1 is the memory, r2 its length; helper 5 exists.
  --engine NAME   interpreter (default) or jit
  --checked       check every access; both do so for programs that nobody verified
  --elf           PROGRAM is an ELF object; its first program runs, as XDP where its section says so
  --program NAME  which program of the object`;

/** Engines by name, as `--engine` takes them. */
const engines = new Map([
  ["interpreter", (runtime) => new Interpreter(runtime)],
  ["jit", (runtime) => new Jit(runtime)],
]);

class UsageError extends Error {}

function parseArguments(args) {
  const options = { memory: new Uint8Array(0), engine: "interpreter", elf: false, program: undefined };
  for (let at = 0; at < args.length; at++) {
    const argument = args[at];
    if (argument === "--elf") options.elf = true;
    else if (argument === "--checked" || argument === "--debug") continue;
    else if (argument === "--engine") options.engine = args[++at];
    else if (argument === "--program") options.program = args[++at];
    else if (argument.startsWith("--engine=")) options.engine = argument.slice("--engine=".length);
    else if (argument.startsWith("-")) throw new UsageError(`unknown option ${argument}`);
    else if (argument !== "") options.memory = bytesOfHex(argument);
  }
  if (!engines.has(options.engine)) {
    throw new UsageError(`unknown engine ${options.engine}; there is ${[...engines.keys()].join(", ")}`);
  }
  return options;
}

function bytesOfHex(text) {
  const digits = text.replace(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new UsageError("not hex bytes");
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

/** The program to run, with whether its context is that of XDP. */
function readProgram(bytes, { elf, program }) {
  if (!elf) return { insns: bytes, xdp: false };
  const object = readObject(bytes);
  const programs = [...object.programs.values(), ...object.untyped.values()];
  const chosen = program === undefined ? programs[0] : programs.find(({ name }) => name === program);
  if (chosen === undefined) throw new UsageError(`the object has no program ${program ?? ""}`);
  if (chosen.references.length > 0) throw new UsageError(`${chosen.name} refers to maps or kernel symbols`);
  return { insns: chosen.insns, xdp: chosen.section.startsWith("xdp") };
}

/** The program behind `r2 = length`; distances within a program are relative, so it can be moved. */
function withLength(insns, length) {
  const program = new Uint8Array(insns.length + 8);
  program.set([0xb7, 0x02]);
  new DataView(program.buffer).setInt32(4, length, true);
  program.set(insns, 8);
  return program;
}

/** Puts the memory where the program expects it, and returns the run's context. */
function createContext(runtime, bytes, xdp) {
  const data = bytes.length === 0 && !xdp ? 0 : runtime.memory.allocBytes(bytes);
  if (!xdp) return { address: data, size: bytes.length, packetStart: 0, packetEnd: 0 };
  // struct xdp_md: data, data_end, data_meta, and three numbers of the device.
  const address = runtime.memory.alloc(24);
  const end = data + bytes.length;
  runtime.memory.u32.set([data, end, data], address / 4);
  return { address, size: 24, packetStart: data, packetEnd: end };
}

function run(options) {
  const { insns, xdp } = readProgram(bytesOfHex(readFileSync(0, "utf8")), options);
  const runtime = new Runtime();
  runtime.helpers.define(5, { name: "ktime_get_ns", result: "uint", wide: false, run: () => 0 });
  const engine = engines.get(options.engine)(runtime);
  const program = xdp ? insns : withLength(insns, options.memory.length);
  return runtime.test(engine.prepare({ name: "program", insns: program }), createContext(runtime, options.memory, xdp));
}

/** Returns the exit status: 0, 1 for a program that fails, 2 for wrong usage. */
export async function main(args) {
  if (args.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  try {
    const result = run(parseArguments(args));
    if (result.kind === "exit") {
      console.log(result.r0.toString(16));
      return 0;
    }
    console.error(result.kind === "fault" ? result.fault.message : "the budget is used up");
    return 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    return error instanceof UsageError ? 2 : 1;
  }
}
