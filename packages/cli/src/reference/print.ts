import type { Command } from "commander";
import { UsageError } from "../command-error.js";
import type { Session } from "../session.js";
import { didYouMean } from "../suggest.js";
import { bashCompletion } from "./bash.js";
import { collectCatalog } from "./catalog.js";
import { fishCompletion } from "./fish.js";
import { manPage } from "./man-page.js";
import { zshCompletion } from "./zsh.js";

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

/** `completion SHELL` */
export async function printCompletion(root: Command, { terminal, json }: Session, shell: string): Promise<void> {
  if (json) throw new UsageError("a completion script is no JSON");
  if (!Object.hasOwn(scripts, shell)) {
    throw new UsageError(
      `there is no completion for '${shell}'${didYouMean(shell, Object.keys(scripts))}`,
      "one of: bash, zsh, fish",
    );
  }
  terminal.write(scripts[shell as keyof typeof scripts](await collectCatalog(root)));
}

/** `man` */
export async function printManPage(root: Command, { terminal, json, version }: Session): Promise<void> {
  if (json) throw new UsageError("a manual page is no JSON");
  terminal.write(manPage(await collectCatalog(root), version));
}
