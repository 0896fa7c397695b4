import type { AttachType } from "@tsbpf/core/abi";
import { UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import type { LiveProgram, Place } from "../live/live-host.js";
import { takeMap, takeProgram } from "../live/select.js";

/** Hooks by what bpftool calls them, old names too. */
const hooks: Readonly<Record<string, AttachType>> = {
  sk_msg_verdict: "sk_msg_verdict",
  sk_skb_verdict: "sk_skb_verdict",
  sk_skb_stream_verdict: "sk_skb_stream_verdict",
  sk_skb_stream_parser: "sk_skb_stream_parser",
  flow_dissector: "flow_dissector",
  msg_verdict: "sk_msg_verdict",
  skb_verdict: "sk_skb_verdict",
  stream_verdict: "sk_skb_stream_verdict",
  stream_parser: "sk_skb_stream_parser",
};

async function takePlace(
  context: Context,
  words: Words,
): Promise<{ program: LiveProgram; type: AttachType; place: Place }> {
  const program = await takeProgram(context, words);
  const type = hooks[words.choose("attach type", Object.keys(hooks))]!;
  if (type === "flow_dissector") {
    words.end();
    return { program, type, place: { namespace: true } };
  }
  if (words.left === 0) throw new UsageError(`${words.command}: the sockmap to attach to is missing`);
  const place = { map: await takeMap(context, words) };
  words.end();
  return { program, type, place };
}

/** `prog attach PROG ATTACH_TYPE [MAP]` */
export async function attachProgram(context: Context, words: Words): Promise<void> {
  const { program, type, place } = await takePlace(context, words);
  (await context.host()).attach(program, type, place);
}

/** `prog detach PROG ATTACH_TYPE [MAP]` */
export async function detachProgram(context: Context, words: Words): Promise<void> {
  const { program, type, place } = await takePlace(context, words);
  (await context.host()).detach(program, type, place);
}
