import { type Command, Option } from "commander";
import { UsageError } from "../command-error.js";
import { exitStatus } from "../exit-status.js";
import type { Session } from "../session.js";
import type { Flags } from "./flags.js";
import type { LiveHost } from "./live-host.js";
import type { ObjectVerb } from "./run-object.js";

/** bpftool's objects, each loaded when it is needed. */
const objects: readonly { readonly name: string; readonly summary: string; load(): Promise<ObjectVerb> }[] = [
  {
    name: "prog",
    summary: "programs: show, dump, load, pin, attach, run",
    load: async () => (await import("../prog/command.js")).prog,
  },
  {
    name: "map",
    summary: "maps: show, create, dump, update, look up",
    load: async () => (await import("../map/command.js")).map,
  },
  {
    name: "btf",
    summary: "types: show, dump as raw lines, C or TypeScript",
    load: async () => (await import("../btf/command.js")).btf,
  },
  { name: "link", summary: "links: show, pin, detach", load: async () => (await import("../link/command.js")).link },
  {
    name: "cgroup",
    summary: "programs on cgroups: show, tree, attach, detach",
    load: async () => (await import("../cgroup/command.js")).cgroup,
  },
  {
    name: "perf",
    summary: "programs on tracepoints and probes that processes hold",
    load: async () => (await import("../perf/command.js")).perf,
  },
  {
    name: "net",
    summary: "programs in the network stack: show, attach, detach",
    load: async () => (await import("../net/command.js")).net,
  },
  {
    name: "struct_ops",
    summary: "interfaces of the kernel that programs implement",
    load: async () => (await import("../struct-ops/command.js")).structOps,
  },
  {
    name: "iter",
    summary: "iterators: pin one, to be read",
    load: async () => (await import("../iter/command.js")).iter,
  },
  {
    name: "feature",
    summary: "what the kernel, a device or the Machine can do",
    load: async () => (await import("../feature/command.js")).feature,
  },
  {
    name: "xdp",
    summary: "XDP programs on devices, in ip's words: attach, detach, status",
    load: async () => (await import("../xdp/command.js")).xdp,
  },
  {
    name: "tc",
    summary: "tc filters in tc's words: filter add, del, show; qdisc add, del",
    load: async () => (await import("../tc/command.js")).tc,
  },
  {
    name: "gen",
    summary: "code from an object: a typed TypeScript module",
    load: async () => (await import("../gen/command.js")).gen,
  },
];

/** Names of the verbs in bpftool's grammar; any beginning of one will do on the command line. */
export const objectNames: readonly string[] = objects.map(({ name }) => name);

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
      .addOption(new Option("-h, --help").hideHelp())
      .action(async (words: string[], options: { host?: string; help?: boolean }) => {
        const all = options.help === true ? ["help"] : words;
        finish(await run(await load(), session(), flagsOf(root), all, options.host));
      });
  }
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
    return await runOnMachine(session);
  } finally {
    context.close();
  }
}

/** The objects are those of the Machine that is up: the whole command line goes to it. */
class OnMachine extends Error {}

async function openHost({ remote }: Session, host: string | undefined): Promise<LiveHost> {
  if (remote !== undefined) return remote.host;
  if (host === "machine") throw new OnMachine();
  const { kernelInTheWay, openKernelHost } = await import("./kernel-host.js");
  if (host === undefined && kernelInTheWay() !== undefined) {
    const { reachMachine } = await import("../up/client.js");
    const socket = await reachMachine();
    socket?.destroy();
    if (socket !== undefined) throw new OnMachine();
  }
  return openKernelHost();
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
