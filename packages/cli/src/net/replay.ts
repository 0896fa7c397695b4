import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { readInput } from "../object-file.js";
import { networkOf } from "./network-of.js";

/** `net replay CAPTURE dev NAME` */
export async function replayCapture(context: Context, words: Words): Promise<void> {
  const file = words.next("CAPTURE");
  words.choose("keyword", ["dev"]);
  const device = words.next("NAME");
  words.end();
  const network = await networkOf(await context.host());
  if (network.replay === undefined) {
    throw new CommandError("captures are replayed on a Machine's devices only", {
      hint: "--host machine; `tsbpf run --host kernel` runs a program on a capture",
    });
  }
  const packets = network.replay(await readInput(file), device);
  if (context.json) context.answer({ packets });
  else context.print(`${packets} packets`);
}
