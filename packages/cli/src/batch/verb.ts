import type { Command } from "commander";
import type { Session } from "../session.js";
import type { RunCommandLine } from "./command.js";

/** Declares `tsbpf batch file FILE`. */
export function addBatch(
  root: Command,
  session: () => Session,
  finish: (status: number) => void,
  run: RunCommandLine,
): void {
  root
    .command("batch")
    .summary("run the commands of a file, one a line")
    .description("Runs the commands of a file one after the other, until one fails.")
    .argument("file", "the word 'file'")
    .argument("<FILE>", "commands, one a line, without 'tsbpf'; - is standard input")
    .addHelpText("after", "\nExamples:\n  tsbpf batch file setup.txt\n  echo 'prog show' | tsbpf -j batch file -")
    .action(async (word: string, file: string) => {
      const { runBatch } = await import("./command.js");
      finish(await runBatch(session(), word, file, run));
    });
}
