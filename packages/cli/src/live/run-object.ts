import { helpText } from "../grammar/help.js";
import { commandNames, type ObjectGrammar } from "../grammar/object-grammar.js";
import { Words } from "../grammar/words.js";
import type { Context } from "./context.js";

/** What a command does with the words behind it. */
export type Command = (context: Context, words: Words) => void | Promise<void>;

/** An object's grammar and what its commands do, by their names. */
export interface ObjectVerb {
  readonly grammar: ObjectGrammar;
  readonly commands: Readonly<Record<string, Command>>;
  /** What an object without a command does: `show`, mostly. */
  readonly byDefault: string;
}

/** Runs `tsbpf OBJECT words...`. A command without an answer of its own answers `null` in JSON, as bpftool does. */
export async function runObject(verb: ObjectVerb, context: Context, words: readonly string[]): Promise<void> {
  const { grammar, commands, byDefault } = verb;
  const all = new Words(words, grammar.name);
  const chosen = all.left === 0 ? byDefault : all.choose("command", [...commandNames(grammar), "help"]);
  if (chosen === "help") {
    if (!context.json) context.print(helpText(grammar));
  } else {
    const name = grammar.commands.find((command) => command.alias === chosen)?.name ?? chosen;
    await commands[name]!(context, all.under(`${grammar.name} ${name}`));
  }
  if (context.json && !context.answered) context.answer(null);
}
