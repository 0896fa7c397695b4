import { type Command, InvalidArgumentError } from "commander";
import type { Session } from "../session.js";
import type { RunCommandLine } from "./server.js";

/** Declares `tsbpf up` and `tsbpf down`. */
export function addUp(root: Command, session: () => Session, run: RunCommandLine): void {
  root
    .command("up")
    .summary("start a Machine that stays up")
    .description(
      "Starts a Machine that other commands reach with --host machine, or without it where the kernel's BPF can't be used.",
    )
    .argument("[TOPOLOGY]", "YAML or JSON: namespaces, devices, programs, links, captures to replay")
    .option("--foreground", "stay here instead of going to the background; Ctrl-C ends it")
    .option("--cpus <N>", "CPUs of the Machine", natural)
    .option("--state <FILE>", "where pins are kept while no Machine is up")
    .option("--fresh", "start without the pins of before")
    .addHelpText("after", examples)
    .action(async (topology: string | undefined, options: object) => {
      const { up } = await import("./command.js");
      await up(session(), { topology, run, ...options });
    });
  root
    .command("down")
    .summary("end the Machine that is up")
    .addHelpText("after", "\nExamples:\n  tsbpf down")
    .action(async () => {
      const { down } = await import("./command.js");
      await down(session());
    });
}

const examples = `
Examples:
  tsbpf up
  tsbpf up lab.yaml
  tsbpf --host machine prog load filter.o /sys/fs/bpf/filter`;

function natural(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("a whole number from 1 is needed.");
  return value;
}
