import type { Socket } from "node:net";
import { type Command, Option } from "commander";
import { CommandError, UsageError } from "../command-error.js";
import { exitStatus } from "../exit-status.js";
import type { ObjectGrammar } from "../grammar/object-grammar.js";
import type { Session } from "../session.js";
import type { Flags } from "./flags.js";
import type { LiveHost } from "./live-host.js";
import type { ObjectVerb } from "./run-object.js";
import type { WatchOptions } from "./watch.js";

/** A verb with a grammar of its own. Its grammar is loaded without what it does, for help and completion. */
interface ObjectEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<ObjectVerb>;
  grammar(): Promise<ObjectGrammar>;
}

/** bpftool's objects, each loaded when it is needed. */
const objects: readonly ObjectEntry[] = [
  {
    name: "prog",
    summary: "programs: show, dump, load, pin, attach, run",
    load: async () => (await import("../prog/command.js")).prog,
    grammar: async () => (await import("../prog/grammar.js")).progGrammar,
  },
  {
    name: "map",
    summary: "maps: show, create, dump, update, look up",
    load: async () => (await import("../map/command.js")).map,
    grammar: async () => (await import("../map/grammar.js")).mapGrammar,
  },
  {
    name: "btf",
    summary: "types: show, dump as raw lines, C or TypeScript",
    load: async () => (await import("../btf/command.js")).btf,
    grammar: async () => (await import("../btf/grammar.js")).btfGrammar,
  },
  {
    name: "link",
    summary: "links: show, pin, detach",
    load: async () => (await import("../link/command.js")).link,
    grammar: async () => (await import("../link/grammar.js")).linkGrammar,
  },
  {
    name: "cgroup",
    summary: "programs on cgroups: show, tree, attach, detach",
    load: async () => (await import("../cgroup/command.js")).cgroup,
    grammar: async () => (await import("../cgroup/grammar.js")).cgroupGrammar,
  },
  {
    name: "perf",
    summary: "programs on tracepoints and probes that processes hold",
    load: async () => (await import("../perf/command.js")).perf,
    grammar: async () => (await import("../perf/grammar.js")).perfGrammar,
  },
  {
    name: "net",
    summary: "programs in the network stack: show, attach, detach",
    load: async () => (await import("../net/command.js")).net,
    grammar: async () => (await import("../net/grammar.js")).netGrammar,
  },
  {
    name: "struct_ops",
    summary: "interfaces of the kernel that programs implement",
    load: async () => (await import("../struct-ops/command.js")).structOps,
    grammar: async () => (await import("../struct-ops/grammar.js")).structOpsGrammar,
  },
  {
    name: "iter",
    summary: "iterators: pin one, to be read",
    load: async () => (await import("../iter/command.js")).iter,
    grammar: async () => (await import("../iter/grammar.js")).iterGrammar,
  },
  {
    name: "feature",
    summary: "what the kernel, a device or the Machine can do",
    load: async () => (await import("../feature/command.js")).feature,
    grammar: async () => (await import("../feature/grammar.js")).featureGrammar,
  },
  {
    name: "xdp",
    summary: "XDP programs on devices, in ip's words: attach, detach, status",
    load: async () => (await import("../xdp/command.js")).xdp,
    grammar: async () => (await import("../xdp/grammar.js")).xdpGrammar,
  },
  {
    name: "tc",
    summary: "tc filters in tc's words: filter add, del, show; qdisc add, del",
    load: async () => (await import("../tc/command.js")).tc,
    grammar: async () => (await import("../tc/grammar.js")).tcGrammar,
  },
  {
    name: "gen",
    summary: "code from an object: a typed TypeScript module",
    load: async () => (await import("../gen/command.js")).gen,
    grammar: async () => (await import("../gen/grammar.js")).genGrammar,
  },
];

/** Names of the verbs in bpftool's grammar; any beginning of one will do on the command line. */
export const objectNames: readonly string[] = objects.map(({ name }) => name);

/** The grammars of all these verbs. */
export function objectGrammars(): Promise<ObjectGrammar[]> {
  return Promise.all(objects.map(({ grammar }) => grammar()));
}

/** Declares the verbs in bpftool's grammar. Their words are parsed by themselves, since they are no options. */
export function addLiveVerbs(root: Command, session: () => Session, finish: (status: number) => void): void {
  for (const { name, summary, load } of objects) {
    root
      .command(name)
      .summary(summary)
      .argument("[WORDS...]")
      .helpOption(false)
      .allowUnknownOption()
      .addOption(new Option("--host <HOST>", "where the objects are").choices(["kernel", "machine"]))
      .option("--watch [SECONDS]", "show it anew, every 2 seconds unless told")
      .option("--frames <N>", "with --watch: end after N times")
      .addOption(new Option("-h, --help").hideHelp())
      .action(async (words: string[], options: WatchOptions & { host?: string; help?: boolean }) => {
        const all = options.help === true ? ["help"] : words;
        const verb = await load();
        const show = async (each: Session) => finish(await run(verb, each, flagsOf(root), all, options.host));
        await (options.watch === undefined ? show(session()) : watch(session(), options, show));
      });
  }
}

/** Runs a command again and again, as a command line that says nothing about that. */
async function watch(session: Session, options: WatchOptions, show: (each: Session) => Promise<void>): Promise<void> {
  const [{ showFrames }, { watchTiming, withoutWatch }] = await Promise.all([
    import("./frames.js"),
    import("./watch.js"),
  ]);
  const words = withoutWatch(session.words, options);
  await showFrames(session.terminal, watchTiming(options), (terminal) => show({ ...session, words, terminal }));
}

async function run(
  verb: ObjectVerb,
  session: Session,
  flags: Flags,
  words: string[],
  host: string | undefined,
): Promise<number> {
  const [{ Context }, { runObject }] = await Promise.all([import("./context.js"), import("./run-object.js")]);
  const context = new Context(session, flags, () => openHost(session, host));
  try {
    const unknown = words.find((word) => /^--?[a-z]/.test(word));
    if (unknown !== undefined) throw new UsageError(`${verb.grammar.name} has no option '${unknown}'`);
    await runObject(verb, context, words);
    return exitStatus.ok;
  } catch (error) {
    if (!(error instanceof OnMachine)) throw error;
    const { runOnMachine } = await import("../up/client.js");
    return await runOnMachine(error.socket, session);
  } finally {
    context.close();
  }
}

/** The objects are those of the Machine that is up: the whole command line goes to it. */
class OnMachine extends Error {
  readonly socket: Socket;

  constructor(socket: Socket) {
    super();
    this.socket = socket;
  }
}

async function openHost({ remote }: Session, host: string | undefined): Promise<LiveHost> {
  if (remote !== undefined) return remote.host;
  if (host === "machine") {
    await leaveToMachine();
    throw new CommandError("no Machine is up", {
      hint: "`tsbpf up` starts one; --host kernel asks the running kernel",
    });
  }
  const { kernelInTheWay, openKernelHost } = await import("./kernel-host.js");
  if (host === undefined && kernelInTheWay() !== undefined) await leaveToMachine();
  return openKernelHost();
}

/** @throws OnMachine where one is up */
async function leaveToMachine(): Promise<void> {
  const { reachMachine } = await import("../up/client.js");
  const socket = await reachMachine();
  if (socket !== undefined) throw new OnMachine(socket);
}

/** Declares bpftool's flags, which stand before the verb or behind it. */
export function addFlags(root: Command): void {
  const flags: readonly (readonly [string, string])[] = [
    ["-f, --bpffs", "say where objects are pinned"],
    ["-m, --mapcompat", "take old map definitions (always so; for bpftool's sake)"],
    ["-n, --nomount", "mount no file system"],
    ["-L, --use-loader", "for bpftool's sake; nothing changes"],
    ["-l, --legacy", "for bpftool's sake; nothing changes"],
    ["-B, --base-btf <FILE>", "types that split BTF builds on"],
  ];
  for (const [names, meaning] of flags) root.addOption(new Option(names, meaning).hideHelp());
}

function flagsOf(root: Command): Flags {
  const { bpffs, mapcompat, nomount, debug, baseBtf } = root.opts<Partial<Flags>>();
  return {
    bpffs: bpffs === true,
    mapcompat: mapcompat === true,
    nomount: nomount === true,
    debug: debug === true,
    baseBtf,
  };
}
