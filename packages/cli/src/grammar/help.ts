import type { CommandForm, ObjectGrammar } from "./object-grammar.js";

const options = [
  "-j, --json     answer in JSON              -p, --pretty   indented JSON",
  "-f, --bpffs    say where things are pinned -n, --nomount  mount nothing",
  "-d, --debug    say more about failures     --host HOST    kernel (default) or machine",
];

/** The help of an object, in bpftool's style: forms, what their words stand for, options, examples. */
export function helpText(grammar: ObjectGrammar): string {
  const lines = grammar.commands.map(
    (command, index) => `${index === 0 ? "Usage:" : "      "} ${formOf(grammar, command)}`,
  );
  lines.push(`       tsbpf ${grammar.name} help`, "");
  const width = Math.max(...grammar.commands.map(({ name }) => name.length));
  for (const { name, does } of grammar.commands) lines.push(`       ${name.padEnd(width)}  ${does}`);
  if (Object.keys(grammar.terms).length > 0) lines.push("");
  for (const [name, meaning] of Object.entries(grammar.terms)) lines.push(`       ${name} := ${meaning}`);
  lines.push("", ...options.map((line) => `       ${line}`));
  if (grammar.examples.length > 0) lines.push("", "Examples:", ...grammar.examples.map((line) => `  ${line}`));
  return lines.join("\n");
}

/** One command's form: `tsbpf prog { show | list } [PROG]`. */
export function formOf(grammar: ObjectGrammar, { name, alias, form }: CommandForm): string {
  const words = alias === undefined ? name : `{ ${name} | ${alias} }`;
  return `tsbpf ${grammar.name} ${words}${form === "" ? "" : ` ${form}`}`;
}
