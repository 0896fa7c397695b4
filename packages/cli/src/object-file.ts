import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { isProgramType } from "@tsbpf/core/abi";
import { BpfError } from "@tsbpf/core/base";
import { readObject } from "@tsbpf/core/object";
import type { ObjectSpec, ProgramSpec } from "@tsbpf/core/spec";
import { CommandError, UsageError } from "./command-error.js";

/**
 * Reads an object, or makes one from a C or assembly source first. `type` is for programs whose section names don't say
 * theirs.
 */
export async function readObjectFile(file: string, options: { type?: string | undefined } = {}): Promise<ObjectSpec> {
  const { type } = options;
  if (type !== undefined && !isProgramType(type)) throw new UsageError(`--type ${type}: there is no such program type`);
  const bytes = await objectBytes(file);
  return inFile(file, () => readObject(bytes, { name: file, type }));
}

/** What `read` makes of a file; what is wrong with the file is said with its name. */
export function inFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    throw new CommandError(`${file}: ${error.message}`, { cause: error });
  }
}

/** Whether a file's name says that it is C or assembly. */
export function isSource(file: string): boolean {
  return [".c", ...assemblySuffixes].includes(extname(file));
}

const assemblySuffixes = [".s", ".S", ".asm"];

/** An object's bytes; of a C or assembly source those of what it becomes. */
export async function objectBytes(file: string): Promise<Uint8Array> {
  if (extname(file) === ".c") return (await import("./compile.js")).compileObject(file);
  const contents = await readInput(file);
  if (!assemblySuffixes.includes(extname(file))) return contents;
  return (await import("./assemble.js")).assembleToObject(file, contents);
}

/** A whole file, with a message that says what is wrong with the name where it is. */
export async function readInput(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    throw new CommandError(describeFileError(file, error), { cause: error });
  }
}

export function describeFileError(file: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  const known: Record<string, string> = {
    ENOENT: "no such file",
    EACCES: "permission denied",
    EISDIR: "is a directory",
    ENOTDIR: "a part of the path is no directory",
  };
  return `${file}: ${(code !== undefined && known[code]) || (error instanceof Error ? error.message : String(error))}`;
}

/**
 * The program that `name` names, by function or by section; without a name the only one that `suits`.
 *
 * @throws CommandError naming the choices where there is none or more than one.
 */
export function chooseProgram(
  object: ObjectSpec,
  name: string | undefined,
  suits: (program: ProgramSpec) => boolean = () => true,
): ProgramSpec {
  const all = [...object.programs.values()];
  if (name !== undefined) {
    const named = object.programs.get(name) ?? all.find((program) => program.section === name);
    if (named !== undefined) return named;
    throw new CommandError(`there is no program '${name}' in ${object.name || "the object"}`, {
      hint: listPrograms(all),
    });
  }
  const fitting = all.filter(suits);
  if (fitting.length === 1) return fitting[0]!;
  if (all.length === 0) throw noPrograms(object);
  throw new CommandError(
    fitting.length === 0
      ? "none of the object's programs can be used here"
      : "the object has several programs: choose one with --program",
    { hint: listPrograms(fitting.length === 0 ? all : fitting) },
  );
}

function noPrograms({ name, untyped }: ObjectSpec): CommandError {
  const [first] = untyped.values();
  if (first === undefined) return new CommandError(`${name || "the object"} has no programs`);
  return new CommandError(`nothing says what type of program ${first.name} in section ${first.section} is`, {
    hint: "name the type with --type, or the section as libbpf does",
  });
}

function listPrograms(programs: readonly ProgramSpec[]): string {
  return programs.map(({ name, section, type }) => `  ${name}  (${type}, SEC("${section}"))`).join("\n");
}
