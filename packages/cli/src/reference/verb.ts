import type { Command } from "commander";
import type { Session } from "../session.js";

const shells = ["bash", "zsh", "fish"] as const;

/** Declares `tsbpf completion` and `tsbpf man`, which tell what all verbs declare. */
export function addReference(root: Command, session: () => Session): void {
  root
    .command("completion")
    .summary("print a completion script for a shell")
    .description("Prints a script that completes verbs, commands, options and keywords.")
    .argument("<SHELL>", shells.join(", "))
    .addHelpText("after", completionExamples)
    .action(async (shell: string) => {
      const { printCompletion } = await import("./print.js");
      await printCompletion(root, session(), shell);
    });
  root
    .command("man")
    .summary("print the manual page")
    .description("Prints tsbpf(1) in roff.")
    .addHelpText("after", "\nExamples:\n  tsbpf man | man -l -\n  tsbpf man > /usr/local/share/man/man1/tsbpf.1")
    .action(async () => {
      const { printManPage } = await import("./print.js");
      await printManPage(root, session());
    });
}

const completionExamples = `
Examples:
  source <(tsbpf completion bash)
  tsbpf completion zsh > ~/.zfunc/_tsbpf
  tsbpf completion fish > ~/.config/fish/completions/tsbpf.fish`;
