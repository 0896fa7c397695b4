import { helperPrototypes, type ProgramType } from "@tsbpf/core/abi";
import { UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { didYouMean } from "../suggest.js";
import type { InstructionFeature, Prober, Setting } from "./prober.js";

interface ProbeWords {
  readonly component: "kernel" | "dev" | "machine";
  readonly device: string | undefined;
  /** Helpers, too, whose programs make the kernel log a warning. */
  readonly full: boolean;
  readonly unprivileged: boolean;
  /** What macros begin with; undefined for an answer without macros. */
  readonly macros: string | undefined;
}

/** `feature probe [COMPONENT] [full] [unprivileged] [macros [prefix PREFIX]]` */
export async function probeFeatures(context: Context, words: Words): Promise<void> {
  const wanted = takeProbeWords(words);
  const found = await probeAs(wanted);
  if (context.json) context.answer(toJson(found));
  else
    for (const line of wanted.macros === undefined ? toText(found) : toMacros(found, wanted.macros))
      context.print(line);
}

function takeProbeWords(words: Words): ProbeWords {
  let component: ProbeWords["component"] | undefined;
  let [device, macros]: (string | undefined)[] = [];
  let [full, unprivileged] = [false, false];
  const choices = ["kernel", "dev", "machine", "full", "unprivileged", "macros", "prefix"] as const;
  for (let word = words.take(...choices); word !== undefined; word = words.take(...choices)) {
    if (word === "full") full = true;
    else if (word === "unprivileged") unprivileged = true;
    else if (word === "macros") macros = "";
    else if (word === "prefix") {
      if (macros === undefined) throw new UsageError(`${words.command}: 'prefix' stands behind 'macros' only`);
      macros = words.next("PREFIX");
    } else {
      if (component !== undefined) throw new UsageError(`${words.command}: one component at a time, not '${word}' too`);
      component = word;
      if (word === "dev") device = words.next("NAME");
    }
  }
  const rest = words.peek();
  if (rest !== undefined)
    throw new UsageError(`${words.command}: '${rest}' is no word for it${didYouMean(rest, choices)}`);
  if (component === "machine" && unprivileged)
    throw new UsageError("the Machine asks for no rights: leave 'unprivileged' out");
  return { component: component ?? "kernel", device, full, unprivileged, macros };
}

async function probeAs({ component, device, full, unprivileged }: ProbeWords): Promise<Found> {
  if (component === "machine") return probe((await import("./machine-prober.js")).machineProber(), full);
  const { kernelProber } = await import("./kernel-prober.js");
  if (!unprivileged) return probe(kernelProber(device, false), full);
  const { withCapabilities } = await import("@tsbpf/linux");
  // Nothing of the kernel's answers later than asked, so that everything is asked while the rights are gone.
  return withCapabilities([], () => probe(kernelProber(device, true), full));
}

/** Programs that call these make the kernel log a warning when they are loaded. */
const noisy: ReadonlySet<string> = new Set(["trace_printk", "trace_vprintk", "probe_write_user"]);

const instructions: readonly { readonly key: InstructionFeature; readonly name: string; readonly text: string }[] = [
  { key: "largeInsnLimit", name: "large_insn_limit", text: "Large program size limit" },
  { key: "boundedLoops", name: "bounded_loops", text: "Bounded loop support" },
  { key: "v2", name: "v2_isa_extension", text: "ISA extension v2" },
  { key: "v3", name: "v3_isa_extension", text: "ISA extension v3" },
  { key: "v4", name: "v4_isa_extension", text: "ISA extension v4" },
];

interface Answer {
  readonly name: string;
  readonly has: boolean;
}

interface Found {
  readonly settings: readonly Setting[] | undefined;
  readonly systemCall: boolean | undefined;
  readonly programTypes: readonly Answer[];
  readonly mapTypes: readonly Answer[];
  /** Names of helpers by type. */
  readonly helpers: readonly {
    readonly type: ProgramType;
    readonly available: boolean;
    readonly names: readonly string[];
  }[];
  readonly asked: readonly string[];
  readonly misc: readonly (Answer & { readonly text: string })[];
}

function probe(prober: Prober, full: boolean): Found {
  const names = new Map(
    helperPrototypes.filter(({ name }) => full || !noisy.has(name)).map(({ id, name }) => [id, name]),
  );
  const ids = [...names.keys()];
  const programTypes = prober.programTypes.map((name) => ({ name, has: prober.takesPrograms(name) }));
  return {
    settings: prober.settings,
    systemCall: prober.systemCall,
    programTypes,
    mapTypes: prober.mapTypes.map((name) => ({ name, has: prober.takesMaps(name) })),
    helpers: programTypes.map(({ name: type, has }) => ({
      type,
      available: has,
      names: has ? prober.helpers(type, ids).map((id) => `bpf_${names.get(id)}`) : [],
    })),
    asked: ids.map((id) => `bpf_${names.get(id)}`),
    misc: instructions.map(({ key, name, text }) => ({ name, text, has: prober.takesInstructions(key) })),
  };
}

function toJson(found: Found): object {
  const has = (answers: readonly Answer[], kind: string) =>
    Object.fromEntries(answers.map(({ name, has }) => [`have_${name}${kind}`, has]));
  return {
    system_config: found.settings && Object.fromEntries(found.settings.map(({ name, value }) => [name, value])),
    syscall_config: found.systemCall === undefined ? undefined : { have_bpf_syscall: found.systemCall },
    program_types: has(found.programTypes, "_prog_type"),
    map_types: has(found.mapTypes, "_map_type"),
    helpers: Object.fromEntries(found.helpers.map(({ type, names }) => [`${type}_available_helpers`, names])),
    misc: has(found.misc, ""),
  };
}

function toText(found: Found): string[] {
  const is = (subject: string, has: boolean) => `${subject} is ${has ? "" : "NOT "}available`;
  const lines: string[] = [];
  const section = (title: string, body: readonly string[]) => lines.push(title, ...body, "");
  if (found.settings !== undefined)
    section(
      "Scanning system configuration...",
      found.settings.map(({ text }) => text),
    );
  if (found.systemCall !== undefined)
    section("Scanning system call availability...", [is("bpf() syscall", found.systemCall)]);
  section(
    "Scanning eBPF program types...",
    found.programTypes.map(({ name, has }) => is(`eBPF program_type ${name}`, has)),
  );
  section(
    "Scanning eBPF map types...",
    found.mapTypes.map(({ name, has }) => is(`eBPF map_type ${name}`, has)),
  );
  section(
    "Scanning eBPF helper functions...",
    found.helpers.flatMap(({ type, available, names }) => [
      `eBPF helpers supported for program type ${type}:`,
      ...(names.length > 0
        ? names.map((name) => `\t- ${name}`)
        : [available ? "\tCould not determine which helpers are available" : "\tProgram type not supported"]),
    ]),
  );
  section(
    "Scanning miscellaneous eBPF features...",
    found.misc.map(({ text, has }) => is(text, has)),
  );
  return lines.slice(0, -1);
}

function toMacros(found: Found, prefix: string): string[] {
  const define = (name: string, has: boolean) => `#define ${prefix}${has ? "" : "NO_"}HAVE_${name.toUpperCase()}`;
  const lines: string[] = [];
  const section = (title: string, body: readonly string[]) => lines.push(`/*** ${title} ***/`, ...body, "");
  const settings = found.settings?.filter(({ macro }) => macro) ?? [];
  if (found.settings !== undefined) {
    section(
      "Misc kernel config items",
      settings.map(({ name, value }) => `#define ${prefix}${name} ${value}`),
    );
  }
  if (found.systemCall !== undefined) section("System call availability", [define("BPF_SYSCALL", found.systemCall)]);
  section(
    "eBPF program types",
    found.programTypes.map(({ name, has }) => define(`${name}_PROG_TYPE`, has)),
  );
  section(
    "eBPF map types",
    found.mapTypes.map(({ name, has }) => define(`${name}_MAP_TYPE`, has)),
  );
  section("eBPF helper functions", [
    `/* ${prefix}HAVE_PROG_TYPE_HELPER(xdp, bpf_redirect) is 1 where programs of the type may call the helper, else 0. */`,
    `#define ${prefix}HAVE_PROG_TYPE_HELPER(prog_type, helper)\t\\`,
    `\t${prefix}BPF__PROG_TYPE_ ## prog_type ## __HELPER_ ## helper`,
    ...found.helpers.flatMap(({ type, names }) => {
      const available = new Set(names);
      return found.asked.map(
        (name) => `#define ${prefix}BPF__PROG_TYPE_${type}__HELPER_${name} ${available.has(name) ? 1 : 0}`,
      );
    }),
  ]);
  section(
    "eBPF misc features",
    found.misc.map(({ name, has }) => define(name, has)),
  );
  return lines.slice(0, -1);
}
