import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import { JsonText } from "../json.js";
import type { Context } from "../live/context.js";
import { untilInterrupted } from "../live/interrupt.js";
import { takeMap } from "../live/select.js";
import { bytesJson, bytesText } from "./entry-format.js";

/** `map event_pipe MAP`: prints events as they come, until Ctrl-C. In JSON one object a line. */
export async function pipeEvents(context: Context, words: Words): Promise<void> {
  const map = await takeMap(context, words);
  words.end();
  const ring = map.raw.info.type === "ringbuf";
  if (!ring && map.raw.info.type !== "perf_event_array") {
    throw new CommandError(`a map of type ${map.raw.info.type} sends no events`);
  }
  context.beginAnswer();
  const { terminal } = context.session;
  const place = (cpu: number) => (ring ? {} : { cpu });
  const subscription = map.raw.subscribe({
    event(bytes, cpu) {
      if (context.json) terminal.print(context.line({ ...place(cpu), data: new JsonText(bytesJson(bytes)) }));
      else terminal.print(`== ${ring ? "event" : `CPU: ${cpu}`}, ${bytes.length} bytes ==\n${bytesText(bytes)}`);
    },
    lost(count, cpu) {
      if (context.json) terminal.print(context.line({ ...place(cpu), lost: count }));
      else terminal.print(`== ${ring ? "" : `CPU: ${cpu}, `}lost ${count} events ==`);
    },
  });
  try {
    await untilInterrupted(context.session);
  } finally {
    subscription.close();
  }
}
