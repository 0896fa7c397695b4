import { type Catalog, keywordsOf, type OptionEntry, type VerbEntry } from "./catalog.js";

/** A completion script for zsh, to be put into a folder of $fpath as _tsbpf, or sourced after compinit. */
export function zshCompletion({ options, verbs }: Catalog): string {
  return `#compdef tsbpf
# zsh completion for tsbpf, written by \`tsbpf completion zsh\`.
_tsbpf() {
    local verb='' command='' word i
    local -a choices
    for ((i = 2; i < CURRENT; i++)); do
        word=$words[i]
        [[ $word == -* ]] && continue
        if [[ -z $verb ]]; then verb=$word; elif [[ -z $command ]]; then command=$word; fi
    done
    if [[ -z $verb ]]; then
        choices=(${[...verbs.map(({ name, summary }) => described(name, summary)), ...options.flatMap(optionWords)].join(" ")})
        _describe 'tsbpf' choices
        return
    fi
    case $verb in
${verbs.map(verbCase).join("\n")}
    esac
    _files
}
if [[ $funcstack[1] == _tsbpf ]]; then _tsbpf "$@"; else compdef _tsbpf tsbpf; fi
`;
}

function verbCase({ name, options, grammar }: VerbEntry): string {
  const lines = [`    ${name})`];
  for (const { names, choices } of options) {
    if (choices.length === 0) continue;
    lines.push(
      `        if [[ $words[CURRENT-1] == (${names.join("|")}) ]]; then compadd -- ${choices.join(" ")}; return; fi`,
    );
  }
  const own = options.flatMap(optionWords);
  if (own.length > 0) {
    lines.push(
      `        if [[ $words[CURRENT] == -* ]]; then choices=(${own.join(" ")}); _describe option choices; return; fi`,
    );
  }
  if (grammar !== undefined) {
    const commands = grammar.commands.map((command) => described(command.name, command.does));
    lines.push(
      `        if [[ -z $command ]]; then choices=(${commands.join(" ")}); _describe command choices; return; fi`,
    );
    lines.push("        case $command in");
    for (const command of grammar.commands) {
      const words = keywordsOf(command, grammar);
      const names = command.alias === undefined ? command.name : `${command.name}|${command.alias}`;
      if (words.length > 0) lines.push(`        ${names}) compadd -- ${words.join(" ")} ;;`);
    }
    lines.push("        esac");
  }
  return [...lines, "        ;;"].join("\n");
}

function optionWords({ names, meaning }: OptionEntry): string[] {
  return names.map((name) => described(name, meaning));
}

function described(name: string, meaning: string): string {
  return `'${`${name}:${meaning}`.replace(/'/g, "'\\''")}'`;
}
