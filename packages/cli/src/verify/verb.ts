import { type Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "../command-error.js";
import { requireKernel } from "../kernel.js";
import type { Session } from "../session.js";
import { parseCapabilities } from "./capabilities.js";
import type { VerifyOptions } from "./result.js";

/** What commander makes of the command line. */
interface Flags extends Omit<VerifyOptions, "capabilities"> {
  readonly capabilities?: string;
  readonly unprivileged?: boolean;
}

/** Declares `tsbpf verify`. */
export function addVerify(root: Command, session: () => Session, finish: (status: number) => void): void {
  root
    .command("verify")
    .summary("ask whether the kernel would take a program, and why not")
    .description("Gives Linux 6.18's verdict on each program of an object, with the kernel's message and the C line.")
    .argument("[FILE]", "object (.o), C source (.c) or assembly (.s)")
    .option("--program <NAME>", "one program, by function or section")
    .option("--type <TYPE>", "program type, where the section name doesn't say it")
    .option("--flags <0xN>", "prog_flags in place of the object's", integer)
    .option("--btf <FILE>", "the kernel's types; 'shipped': those of Linux 6.18 that come with tsbpf")
    .option("--config <FILE>", "the kernel's configuration (.config, config.gz): what it is built without is refused")
    .option("--kernel <VERSION>", "apply what that kernel (4.19 ... 6.18) has and its limits over 6.18's analysis")
    .option("--capabilities <LIST>", "who loads: of bpf, perfmon, net_admin, sys_admin, or 'none'")
    .option("--unprivileged", "the same as --capabilities none: what anybody may load")
    .option("--log-level <N>", "print the verifier's log: 1 the way to the error, 2 every step, 4 figures", integer, 0)
    .option("--list <JOBS>", "verify the jobs of a file (- is standard input), one JSON object a line")
    .addOption(new Option("--host <HOST>", "whose verdict").choices(["machine", "kernel"]).default("machine"))
    .option("--compare", "ask the embedded verifier and the kernel, and show what differs")
    .option("--time-limit <SECONDS>", "end without a verdict after so long", integer)
    .addHelpText("after", examples)
    .action(async (file: string | undefined, { capabilities, unprivileged, ...rest }: Flags) => {
      const list = unprivileged === true ? "none" : capabilities;
      const options = list === undefined ? rest : { ...rest, capabilities: parseCapabilities(list) };
      finish(await perform(session(), file, options));
    });
}

const examples = `
Exit status: 0 all accepted, 3 one rejected, 4 one without a verdict, 5 (--compare) a difference.

Examples:
  tsbpf verify filter.o
  tsbpf verify filter.c --log-level 1
  tsbpf verify filter.o --host kernel --json
  tsbpf verify filter.o --compare`;

async function perform(session: Session, file: string | undefined, options: VerifyOptions): Promise<number> {
  if (options.kernel !== undefined) (await import("./kernel-version.js")).checkKernelVersion(options.kernel);
  if (options.kernel !== undefined && (options.host === "kernel" || options.compare === true)) {
    throw new UsageError("--kernel is for the embedded verifier: the running kernel can't answer for another");
  }
  if (options.config !== undefined && (options.host === "kernel" || options.compare === true)) {
    throw new UsageError("--config is for the embedded verifier: the running kernel has its own");
  }
  if (options.compare === true) await requireKernel();
  if (options.list !== undefined) {
    if (file !== undefined) throw new UsageError("--list has its files in the jobs");
    if (options.compare === true) throw new UsageError("--compare goes with a FILE");
    const { verifyList } = await import("./list.js");
    return verifyList(session, options.list, options);
  }
  if (file === undefined) throw new UsageError("a FILE or --list JOBS is needed");
  const { verifyFile } = await import("./command.js");
  return verifyFile(session, file, options);
}

function integer(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError("a whole number is needed.");
  return value;
}
