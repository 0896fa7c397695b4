import { type Catalog, keywordsOf, type OptionEntry, type VerbEntry } from "./catalog.js";

/** A completion script for fish. */
export function fishCompletion({ options, verbs }: Catalog): string {
  const first = "__fish_use_subcommand";
  return [
    "# fish completion for tsbpf, written by `tsbpf completion fish`.",
    ...options.map((option) => optionLine(first, option)),
    ...verbs.map(({ name, summary }) => `complete -c tsbpf -n ${first} -f -a ${name} -d ${quote(summary)}`),
    ...verbs.flatMap(verbLines),
    "",
  ].join("\n");
}

function verbLines({ name, options, grammar }: VerbEntry): string[] {
  const here = `'__fish_seen_subcommand_from ${name}'`;
  const lines = options.map((option) => optionLine(here, option));
  if (grammar === undefined) return lines;
  const names = grammar.commands
    .flatMap((command) => [command.name, ...(command.alias ?? "").split(" ")])
    .filter(Boolean);
  const none = `'__fish_seen_subcommand_from ${name}; and not __fish_seen_subcommand_from ${names.join(" ")}'`;
  for (const command of grammar.commands) {
    lines.push(`complete -c tsbpf -n ${none} -f -a ${command.name} -d ${quote(command.does)}`);
    const words = keywordsOf(command, grammar);
    const seen = `'__fish_seen_subcommand_from ${name}; and __fish_seen_subcommand_from ${command.name} ${command.alias ?? ""}'`;
    if (words.length > 0) lines.push(`complete -c tsbpf -n ${seen} -a ${quote(words.join(" "))}`);
  }
  return lines;
}

function optionLine(condition: string, { names, value, choices, meaning }: OptionEntry): string {
  const flags = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(" ");
  const takes =
    choices.length > 0 ? ` -x -a ${quote(choices.join(" "))}` : value?.startsWith("<") === true ? " -r" : "";
  return `complete -c tsbpf -n ${condition} ${flags}${takes} -d ${quote(meaning)}`;
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
