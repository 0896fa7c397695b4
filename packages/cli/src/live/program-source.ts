import { basename } from "node:path";
import type { ProgramSpec } from "@tsbpf/core/spec";
import { CommandError, UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import { chooseProgram, readObjectFile } from "../object-file.js";
import type { Context } from "./context.js";
import type { LiveProgram } from "./live-host.js";
import { takeProgram } from "./select.js";

/** A program to attach. What is attached holds it; nothing else of it stays. */
export interface SourcedProgram {
  readonly live: LiveProgram;
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
    return { live, label: live.details().name, close: () => live.close() };
  }
  if (first === "object-pinned") {
    words.next("object-pinned");
    const live = (await context.host()).pinned("program", words.next("PATH"));
    return { live, label: `${live.details().name}:[*fsobj]`, close: () => live.close() };
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
  const host = await context.host();
  const loader = await host.loader();
  try {
    const loaded = await loader.load(object, { programs: [name] });
    const live = host.find("program", loaded.program(name).id);
    if (live === undefined) throw new CommandError(`program '${name}' is gone as soon as it was loaded`);
    return { live, label: `${basename(file)}:[${section}]`, close: () => loader.close() };
  } catch (error) {
    loader.close();
    throw error;
  }
}
