import { type Catalog, keywordsOf, type VerbEntry } from "./catalog.js";

/** A completion script for bash. Where no word of tsbpf fits, files are offered. */
export function bashCompletion(catalog: Catalog): string {
  const names = catalog.verbs.map(({ name }) => name);
  const options = catalog.options.flatMap((option) => option.names);
  return `# bash completion for tsbpf, written by \`tsbpf completion bash\`.
_tsbpf() {
    local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
    local verb='' command='' word i
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=\${COMP_WORDS[i]}
        [[ $word == -* ]] && continue
        if [[ -z $verb ]]; then verb=$word; elif [[ -z $command ]]; then command=$word; fi
    done
    COMPREPLY=()
    if [[ -z $verb ]]; then
        COMPREPLY=($(compgen -W ${quote([...names, ...options])} -- "$cur"))
        return
    fi
    case $verb in
${catalog.verbs.map(verbCase).join("\n")}
    esac
}
complete -o default -F _tsbpf tsbpf
`;
}

function verbCase(verb: VerbEntry): string {
  return `    ${verb.name})\n${verb.grammar === undefined ? optionCase(verb) : grammarCase(verb)}\n        ;;`;
}

function optionCase({ options, name }: VerbEntry): string {
  const words = options.flatMap((option) => option.names);
  const chosen = options
    .filter(({ choices }) => choices.length > 0)
    .map(({ names, choices }) => `        ${names.join("|")}) ${reply(choices)}; return ;;`);
  const lines = chosen.length === 0 ? [] : ["        case $prev in", ...chosen, "        esac"];
  const positional = name === "completion" ? ["bash", "zsh", "fish"] : name === "batch" ? ["file"] : [];
  if (positional.length > 0) lines.push(`        [[ -z $command ]] && ${reply(positional)}`);
  lines.push(`        [[ $cur == -* ]] && ${reply(words)}`);
  return lines.join("\n");
}

function grammarCase({ grammar, options }: VerbEntry): string {
  const { commands } = grammar!;
  const first = [...commands.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias])), "help"];
  const cases = commands.map((command) => {
    const names = command.alias === undefined ? command.name : `${command.name}|${command.alias}`;
    return `        ${names}) ${reply(keywordsOf(command, grammar!))} ;;`;
  });
  return [
    `        [[ $cur == -* ]] && { ${reply(options.flatMap((option) => option.names))}; return; }`,
    `        [[ -z $command ]] && { ${reply(first)}; return; }`,
    "        case $command in",
    ...cases,
    "        esac",
  ].join("\n");
}

function reply(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W ${quote(words)} -- "$cur"))`;
}

function quote(words: readonly string[]): string {
  return `'${words.join(" ")}'`;
}
