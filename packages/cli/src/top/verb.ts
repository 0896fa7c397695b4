import { type Command, InvalidArgumentError, Option } from "commander";
import type { Session } from "../session.js";
import type { TopOptions } from "./command.js";

/** Declares `tsbpf top`. */
export function addTop(root: Command, session: () => Session): void {
  root
    .command("top")
    .summary("show which programs take how much time, live")
    .description(
      "Shows programs by the time that they take, anew every second. The kernel's statistics are on meanwhile.",
    )
    .option("--interval <SECONDS>", "time between two looks", positive, 1)
    .option("--count <N>", "end after N looks; otherwise with Ctrl-C", positive)
    .addOption(new Option("--sort <BY>", "what comes first").choices(["time", "calls"]).default("time"))
    .option("--all", "programs that did not run, too")
    .addHelpText(
      "after",
      "\nExamples:\n  tsbpf top\n  tsbpf top --sort calls --interval 5\n  tsbpf -j top --count 10 > usage.jsonl",
    )
    .action(async (options: TopOptions) => {
      const { showTop } = await import("./command.js");
      await showTop(session(), options);
    });
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("a number above 0 is needed.");
  return value;
}
