import { type Command, Option } from "commander";
import { addLiveVerbs } from "./live/verb.js";
import { addRun } from "./run/verb.js";
import type { Session } from "./session.js";
import { addTop } from "./top/verb.js";
import { addVerify } from "./verify/verb.js";

/**
 * Adds every verb to the command line. What a verb does is in its own folder and is only loaded when it runs, so that
 * starting up costs next to nothing.
 */
export function addVerbs(root: Command, session: () => Session, finish: (status: number) => void): void {
  addRun(root, session, finish);
  addVerify(root, session, finish);
  addAsm(root, session);
  addDisasm(root, session);
  addTop(root, session);
  addLiveVerbs(root, session, finish);
}

function addAsm(root: Command, session: () => Session): void {
  root
    .command("asm")
    .summary("assemble a source to an object or raw instructions")
    .description("Assembles the kernel log's, LLVM's or the conformance suite's style of BPF assembly.")
    .argument("<FILE>", "assembly source")
    .requiredOption("-o, --output <OUT>", "an object (OUT.o), or else raw little-endian slots")
    .addHelpText("after", "\nExamples:\n  tsbpf asm filter.s -o filter.o\n  tsbpf asm filter.s -o filter.bin")
    .action(async (file: string, options: { output: string }) => {
      const { asm } = await import("./asm/command.js");
      await asm(session(), file, options);
    });
}

function addDisasm(root: Command, session: () => Session): void {
  root
    .command("disasm")
    .summary("list the instructions of an object, a source or a raw image")
    .argument("<FILE>", "object (.o), C source (.c), assembly (.s) or raw little-endian slots")
    .option("--program <NAME>", "one program, by function or section")
    .option("--source", "C lines between the instructions")
    .option("--wasm", "the WebAssembly that the Machine makes of programs, with instructions and C lines between")
    .addOption(
      new Option("--style <STYLE>", "how to write instructions")
        .choices(["kernel", "llvm", "assembly"])
        .default("kernel"),
    )
    .addHelpText(
      "after",
      "\nExamples:\n  tsbpf disasm filter.o --source\n  tsbpf disasm filter.o --program count --style llvm\n  tsbpf -j disasm filter.o",
    )
    .action(async (file: string, options: object) => {
      const { disasm } = await import("./disasm/command.js");
      await disasm(session(), file, options);
    });
}
