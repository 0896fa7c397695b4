/** A command of an object, as help, the man page and completion tell it. */
export interface CommandForm {
  readonly name: string;
  /** Another name for it. */
  readonly alias?: string;
  /** What follows, in the notation of man pages: `"MAP [key DATA]"`. */
  readonly form: string;
  /** What it does, in one sentence without its full stop. */
  readonly does: string;
}

/** The grammar of one of bpftool's objects (`prog`, `map` ...): a verb of tsbpf with commands of its own. */
export interface ObjectGrammar {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly CommandForm[];
  /** What the capitals in forms stand for. */
  readonly terms: Readonly<Record<string, string>>;
  readonly examples: readonly string[];
}

export const PROG = "{ id PROG_ID | pinned FILE | tag PROG_TAG | name PROG_NAME }";
export const MAP = "{ id MAP_ID | pinned FILE | name MAP_NAME }";
export const LINK = "{ id LINK_ID | pinned FILE }";

/** Names that choose a command: its own and its alias. */
export function commandNames(grammar: ObjectGrammar): string[] {
  return grammar.commands.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]));
}
