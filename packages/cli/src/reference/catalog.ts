import type { Command } from "commander";
import type { CommandForm, ObjectGrammar } from "../grammar/object-grammar.js";
import { objectGrammars } from "../live/verb.js";

/** A `--word` of a verb. */
export interface OptionEntry {
  /** `["-j", "--json"]` */
  readonly names: readonly string[];
  /** What stands behind it, as help writes it: `"<FILE>"`; undefined for a switch. */
  readonly value: string | undefined;
  readonly choices: readonly string[];
  readonly meaning: string;
}

/** A verb of tsbpf, as help, completion and the man page know it. */
export interface VerbEntry {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  /** `"[options] <FILE>"`; empty for verbs with a grammar of their own. */
  readonly usage: string;
  readonly options: readonly OptionEntry[];
  /** Examples, and what else stands behind a verb's help. */
  readonly notes: string;
  /** For verbs with commands of their own, in bpftool's grammar. */
  readonly grammar: ObjectGrammar | undefined;
}

/** Everything that can be said on the command line, gathered from where it is declared. */
export interface Catalog {
  readonly options: readonly OptionEntry[];
  readonly verbs: readonly VerbEntry[];
}

/** Gathers the catalog of a root with all its verbs. */
export async function collectCatalog(root: Command): Promise<Catalog> {
  const grammars = new Map((await objectGrammars()).map((grammar) => [grammar.name, grammar]));
  return { options: optionsOf(root), verbs: root.commands.map((verb) => entryOf(verb, grammars.get(verb.name()))) };
}

function entryOf(verb: Command, grammar: ObjectGrammar | undefined): VerbEntry {
  const notes: string[] = [];
  // Commander keeps what is behind a verb's help as a listener that writes it; its types don't tell.
  const listened = verb as Command & { emit(event: string, context: object): void };
  listened.emit("afterHelp", { error: false, command: verb, write: (text: string) => notes.push(text) });
  return {
    name: verb.name(),
    summary: verb.summary(),
    description: verb.description() || verb.summary(),
    usage: grammar === undefined ? verb.usage() : "",
    options: optionsOf(verb),
    notes: notes.join("").trim(),
    grammar,
  };
}

function optionsOf(command: Command): OptionEntry[] {
  return command.options
    .filter(({ hidden }) => !hidden)
    .map(({ flags, short, long, argChoices, description }) => ({
      names: [short, long].filter((name) => name !== undefined),
      value: /[<[].*$/.exec(flags)?.[0],
      choices: argChoices ?? [],
      meaning: description,
    }));
}

/** Words that may stand somewhere behind an object's command: those of its form, and of what the form's capitals stand for. */
export function keywordsOf({ form }: CommandForm, { terms }: ObjectGrammar): string[] {
  const words = new Set<string>();
  const seen = new Set<string>();
  const visit = (text: string) => {
    for (const [token] of text.matchAll(/[A-Za-z_][\w/]*/g)) {
      const term = terms[token];
      if (token === token.toLowerCase()) words.add(token);
      // Only what is written as a form stands for words; the others are explained in prose.
      else if (term !== undefined && /^[{[]/.test(term) && !seen.has(token)) {
        seen.add(token);
        visit(/^([{[].*[}\]])/.exec(term)?.[1] ?? "");
      }
    }
  };
  visit(form);
  return [...words];
}
