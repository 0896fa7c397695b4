import type { ProgramSpec } from "@tsbpf/core/spec";
import { UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import { chooseProgram, readObjectFile } from "../object-file.js";
import type { Context } from "./context.js";
import { takeProgram } from "./select.js";

/** A program to attach. What is attached holds it; nothing else of it stays. */
export interface SourcedProgram {
  /** For calls that are made right now. */
  readonly fd: number;
  readonly id: number;
  readonly name: string;
  /** Where it is from, as tc names filters: `"filter.o:[xdp]"`. */
  readonly label: string;
  close(): void;
}

/** What stands for a program on the command line. */
export const PROGRAM_SOURCE = "{ [obj] FILE [sec SECTION | program NAME] | object-pinned PATH | PROG }";

const liveWords = ["id", "pinned", "tag", "name"] as const;

/**
 * Takes a program from a file, in ip's and tc's words (`obj FILE sec SECTION`, `object-pinned PATH`), or one that is loaded,
 * in bpftool's. One from a file is loaded, alone, and is gone with the command unless it was attached.
 */
export async function takeProgramSource(
  context: Context,
  words: Words,
  suits: (program: ProgramSpec) => boolean,
): Promise<SourcedProgram> {
  const first = words.peek();
  if (first === undefined) throw new UsageError(`${words.command}: a program is missing`, `one of: ${PROGRAM_SOURCE}`);
  if (liveWords.some((word) => word === first)) {
    const live = await takeProgram(context, words);
    const { name } = live.details();
    return { fd: live.fd, id: live.id, name, label: name, close: () => live.close() };
  }
  if (first === "object-pinned") {
    words.next("object-pinned");
    const live = (await context.host()).pinned("program", words.next("PATH"));
    const { name } = live.details();
    return { fd: live.fd, id: live.id, name, label: `${name}:[*fsobj]`, close: () => live.close() };
  }
  if (first === "obj" || first === "object-file") words.next("obj");
  return loadFile(context, words, suits);
}

async function loadFile(
  context: Context,
  words: Words,
  suits: (program: ProgramSpec) => boolean,
): Promise<SourcedProgram> {
  const file = words.next("FILE");
  const by = words.take("section", "program");
  const wanted = by === undefined ? undefined : words.next(by === "section" ? "SECTION" : "NAME");
  const object = await readObjectFile(file);
  const { name, section } = chooseProgram(object, wanted, suits);
  const loader = await (await context.host()).loader();
  try {
    const loaded = await loader.load(object, { programs: [name] });
    const program = loaded.program(name) as unknown as { fd: number; id: number };
    const label = `${file.slice(file.lastIndexOf("/") + 1)}:[${section}]`;
    return { fd: program.fd, id: program.id, name, label, close: () => loader.close() };
  } catch (error) {
    loader.close();
    throw error;
  }
}
