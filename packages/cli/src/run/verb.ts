import { type Command, InvalidArgumentError, Option } from "commander";
import type { Session } from "../session.js";
import type { RunOptions } from "./options.js";

/** Declares `tsbpf run`. */
export function addRun(root: Command, session: () => Session, finish: (status: number) => void): void {
  root
    .command("run")
    .summary("run a packet program on a capture")
    .description(
      "Runs an XDP, tc or socket-filter program on every packet of a capture, and tells what became of them.",
    )
    .argument("<FILE>", "object (.o), C source (.c) or assembly (.s)")
    .option("--pcap <IN>", "capture to read, pcap or pcapng; - is standard input")
    .option("--program <NAME>", "which program, by function or section")
    .option("--type <TYPE>", "program type, where the section name doesn't say it (xdp, sched_cls, socket_filter)")
    .option("--write <OUT>", "write the packets that go on to a pcap file, as the program left them")
    .option("--write-redirect <DIR>", "write redirected packets to a pcap file for each target")
    .option("--maps", "print the maps afterwards")
    .option(
      "--map <NAME:KEY=VALUE>",
      "put an entry into a map first; JSON, addresses, prefixes or hex:...",
      collect,
      [],
    )
    .option("--map-file <FILE>", 'put entries into maps first: {"NAME": [{"key": ..., "value": ...}]}')
    .option("--resize <NAME=N>", "give a map another size", collect, [])
    .option("--set <NAME=VALUE>", "set a global variable before loading", collect, [])
    .option("--each <N>", "tell the first N packets one by one", natural)
    .option("--trace", "print what the program prints with bpf_printk()")
    .option("--events [STRUCT]", "print events of ring and perf buffers, as this struct of the object's BTF")
    .option("--repeat <N>", "read the capture N times", natural, 1)
    .addOption(engineOption())
    .addOption(hostOption())
    .option("--no-verify", "run what the verifier refuses as well, every access watched")
    .option("--cpus <N>", "CPUs of the Machine", natural, 1)
    .option("--seed <N>", "seed of bpf_get_prandom_u32()", natural, 1)
    .option("--budget <N>", "instructions that one packet may take", natural)
    .addHelpText("after", examples)
    .action(async (file: string, options: RunOptions) => {
      const { run } = await import("./command.js");
      finish(await run(session(), file, options));
    });
}

const examples = `
Examples:
  tsbpf run filter.o --pcap traffic.pcap
  tsbpf run filter.c --pcap traffic.pcapng --each 10 --maps
  tsbpf run ddos.o --pcap flood.pcap --map 'blocked:10.0.0.0/8=0' --write passed.pcap`;

function engineOption(): Option {
  return new Option("--engine <ENGINE>", "how the Machine runs it").choices(["jit", "interpreter"]).default("jit");
}

function hostOption(): Option {
  return new Option("--host <HOST>", "where it runs").choices(["machine", "kernel"]).default("machine");
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function natural(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError("a whole number is needed.");
  return value;
}
