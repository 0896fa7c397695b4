import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { addBatch } from "./batch/verb.js";
import { CommandError } from "./command-error.js";
import { exitStatus } from "./exit-status.js";
import { addFlags, objectNames } from "./live/verb.js";
import { addReference } from "./reference/verb.js";
import type { Remote } from "./session.js";
import { processTerminal, type Terminal } from "./terminal.js";
import { addUp } from "./up/verb.js";
import { addVerbs } from "./verbs.js";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Runs the process's command line and sets its exit status. */
export async function runMain(): Promise<void> {
  process.exitCode = await runCommandLine(process.argv.slice(2), processTerminal());
}

/** Runs one command line; every failure becomes a line on standard error and an exit status. */
export async function runCommandLine(words: readonly string[], terminal: Terminal, remote?: Remote): Promise<number> {
  const root = createRoot(terminal);
  let status: number = exitStatus.ok;
  const session = () => {
    const { json, pretty } = root.opts<{ json?: boolean; pretty?: boolean }>();
    return { terminal, words, version, remote, json: json === true || pretty === true, pretty: pretty === true };
  };
  const finish = (code: number) => {
    status = code;
  };
  addVerbs(root, session, finish);
  addBatch(root, session, finish, (line, output) => runCommandLine(line, output, remote));
  addUp(root, session, runCommandLine);
  addReference(root, session);
  root
    .command("version")
    .summary("say which version this is")
    .addHelpText("after", "\nExamples:\n  tsbpf version\n  tsbpf -j version")
    .action(() => {
      const { json } = session();
      terminal.print(json ? JSON.stringify({ version }) : `tsbpf ${version}`);
    });
  try {
    await root.parseAsync(expandVerb(root, moveHostBehind(liftGlobalOptions(words))), { from: "user" });
    return status;
  } catch (error) {
    return reportFailure(error, terminal, {
      json: words.some((word) => word === "--json" || word === "--pretty" || /^-[a-zA-Z]*[jp]/.test(word)),
      debug: words.includes("--debug") || words.includes("-d"),
    });
  }
}

const globalOptions = [
  "--json",
  "--pretty",
  "--debug",
  "--bpffs",
  "--mapcompat",
  "--nomount",
  "--use-loader",
  "--legacy",
];

/** bpftool's users write `-j` before the verb, others behind it: both are taken, up to a `--`. */
function liftGlobalOptions(words: readonly string[]): string[] {
  const end = words.includes("--") ? words.indexOf("--") : words.length;
  const isGlobal = (word: string, index: number) =>
    index < end && (globalOptions.includes(word) || /^-[jpdfmnLl]+$/.test(word));
  return [...words.filter(isGlobal), ...words.filter((word, index) => !isGlobal(word, index))];
}

/** `--host HOST` may stand before the verb, as the other options do. */
function moveHostBehind(words: readonly string[]): string[] {
  const at = words.findIndex((word) => !word.startsWith("-"));
  const before = at - 1;
  if (words[before] !== "--host") return [...words];
  return [...words.slice(0, before), ...words.slice(at + 1), "--host", words[at]!];
}

/** bpftool's objects may be shortened: `tsbpf p s` is `tsbpf prog show`. */
function expandVerb(root: Command, words: readonly string[]): string[] {
  const at = words.findIndex((word, index) => !word.startsWith("-") && words[index - 1] !== "-B");
  const verb = words[at];
  if (verb === undefined || verb === "") return [...words];
  const subject = words[at + 1];
  // `help prog` is what others know as `prog help`.
  if (verb === "help" && subject !== undefined && objectNames.includes(subject)) return [subject, "help"];
  if (root.commands.some((command) => command.name() === verb)) return [...words];
  const whole = objectNames.find((name) => name.startsWith(verb));
  return whole === undefined ? [...words] : words.with(at, whole);
}

function createRoot(terminal: Terminal): Command {
  const root = new Command("tsbpf")
    .description("eBPF, whole: write a program, prove it safe, run it, watch it and ship it.")
    .version(`tsbpf ${version}`, "-V, --version")
    .option("-j, --json", "answer in JSON")
    .option("-p, --pretty", "answer in indented JSON")
    .option("-d, --debug", "print a stack trace with an error")
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      // Commander's message reaches the terminal through reportFailure.
      writeErr: () => {},
    });
  addFlags(root);
  return root;
}

interface FailureStyle {
  readonly json: boolean;
  readonly debug: boolean;
}

/** Prints a failure the way it was asked for, and answers its exit status. */
function reportFailure(error: unknown, terminal: Terminal, style: FailureStyle): number {
  if (error instanceof CommanderError) return reportUsage(error, terminal, style);
  const message = error instanceof Error ? error.message : String(error);
  // A verb that has printed its answer may have nothing to add.
  if (message === "") return error instanceof CommandError ? error.status : exitStatus.failed;
  const hint = error instanceof CommandError ? error.hint : undefined;
  if (style.json) terminal.print(JSON.stringify({ error: message, hint }));
  else terminal.warn(`tsbpf: ${message}`);
  if (hint !== undefined && !style.json) terminal.warn(hint);
  if (style.debug && error instanceof Error) terminal.warn(error.stack ?? "");
  return error instanceof CommandError ? error.status : exitStatus.failed;
}

function reportUsage(error: CommanderError, terminal: Terminal, style: FailureStyle): number {
  // --help and --version end the parse by throwing, with status 0.
  if (error.exitCode === 0) return exitStatus.ok;
  const message = error.message.replace(/^error: /, "").replace(/\n\(Did you mean (.*)\?\)/s, "; did you mean '$1'?");
  if (style.json) terminal.print(JSON.stringify({ error: message }));
  else terminal.warn(`tsbpf: ${message}`);
  return exitStatus.usage;
}
