import { exitStatus } from "../exit-status.js";
import { formOf } from "../grammar/help.js";
import type { ObjectGrammar } from "../grammar/object-grammar.js";
import type { Catalog, OptionEntry, VerbEntry } from "./catalog.js";

/** What each exit status means, for the manual. */
const meanings: Readonly<Record<keyof typeof exitStatus, string>> = {
  ok: "Done; verify: everything was accepted.",
  failed: "The work was tried and failed: a file that can't be read, a host that refuses.",
  usage: "A word on the command line isn't right.",
  rejected: "verify: at least one program was rejected.",
  notReached: "verify: nothing was rejected, but at least one program got no verdict.",
  different: "verify --compare: the embedded verifier and the kernel differ.",
  interrupted: "Ctrl-C; what was done so far has been printed.",
};

/** The manual page tsbpf(1), in roff. The same catalog gives the same bytes. */
export function manPage(catalog: Catalog, version: string): string {
  return [
    `.TH TSBPF 1 "" "tsbpf ${version}" "User Commands"`,
    ".SH NAME",
    "tsbpf \\- write, verify, run, watch and ship eBPF programs, with or without a kernel",
    ".SH SYNOPSIS",
    ".B tsbpf",
    "[\\fIOPTIONS\\fR] \\fIVERB\\fR ...",
    ".SH OPTIONS",
    "They stand before the verb or behind it.",
    ...catalog.options.flatMap(optionLines),
    ".SH VERBS",
    ...catalog.verbs.flatMap(verbLines),
    ".SH EXIT STATUS",
    ...Object.entries(exitStatus).flatMap(([name, status]) => [
      ".TP",
      `.B ${status}`,
      roff(meanings[name as keyof typeof exitStatus]),
    ]),
    ".SH ENVIRONMENT",
    ...variable("NO_COLOR", "No colour, on a terminal either."),
    ...variable("FORCE_COLOR", "Colour in a pipe, too."),
    ...variable("TSBPF_CLANG", "The clang that C sources are compiled with."),
    ...variable("TSBPF_CFLAGS", "More options for it."),
    ".SH SEE ALSO",
    ".BR bpf (2),",
    ".BR bpftool (8),",
    ".BR tc-bpf (8)",
    "",
  ].join("\n");
}

function verbLines(verb: VerbEntry): string[] {
  const { name, usage, description, options, notes, grammar } = verb;
  const lines = [`.SS ${roff(name)}`];
  if (grammar !== undefined) return [...lines, ...grammarLines(grammar)];
  lines.push(`.B tsbpf ${roff(name)}`, roff(usage), ".PP", roff(description));
  lines.push(...options.flatMap(optionLines));
  return notes === "" ? lines : [...lines, ".PP", ...verbatim(notes.split("\n"))];
}

function grammarLines(grammar: ObjectGrammar): string[] {
  const { commands, terms, summary, examples } = grammar;
  const lines = [roff(summary)];
  for (const command of commands) lines.push(".TP", `.B ${roff(formOf(grammar, command))}`, roff(`${command.does}.`));
  for (const [name, meaning] of Object.entries(terms)) lines.push(".TP", `.I ${roff(name)}`, roff(meaning));
  return [...lines, ".PP", "Examples:", ...verbatim(examples)];
}

function verbatim(lines: readonly string[]): string[] {
  return [".nf", ".RS", ...lines.map((line) => roff(line)), ".RE", ".fi"];
}

function optionLines({ names, value, choices, meaning }: OptionEntry): string[] {
  const head = names.join(", ") + (value === undefined ? "" : ` ${value}`);
  const one = choices.length === 0 ? "" : ` One of: ${choices.join(", ")}.`;
  return [".TP", `.B ${roff(head)}`, roff(`${meaning}.${one}`)];
}

function variable(name: string, meaning: string): string[] {
  return [".TP", `.B ${name}`, roff(meaning)];
}

/** A line must not begin with a control character, and a hyphen of an option is a minus. */
function roff(text: string): string {
  const escaped = text.replace(/\\/g, "\\e").replace(/-/g, "\\-");
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}
