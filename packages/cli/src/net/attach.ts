import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { takeProgram } from "../live/select.js";
import { netAttachTypes } from "./grammar.js";
import { networkOf } from "./network-of.js";

const BPF_F_BEFORE = 8;

/** `net attach ATTACH_TYPE PROG dev NAME [overwrite | prepend]` */
export async function attachToDevice(context: Context, words: Words): Promise<void> {
  const type = words.choose("attach type", netAttachTypes);
  const program = await takeProgram(context, words);
  words.choose("keyword", ["dev"]);
  const device = words.next("NAME");
  if (type === "tcx_ingress" || type === "tcx_egress") {
    const flags = words.take("prepend") === undefined ? 0 : BPF_F_BEFORE;
    words.end("prepend");
    (await context.host()).attach(program, type, { device }, flags);
    return;
  }
  const overwrite = words.take("overwrite") !== undefined;
  words.end("overwrite");
  (await networkOf(await context.host())).attachXdp(program, device, type, overwrite);
}

/** `net detach ATTACH_TYPE dev NAME` */
export async function detachFromDevice(context: Context, words: Words): Promise<void> {
  const type = words.choose("attach type", netAttachTypes);
  words.choose("keyword", ["dev"]);
  const device = words.next("NAME");
  words.end();
  if (type === "tcx_ingress" || type === "tcx_egress") {
    (await context.host()).detach(undefined, type, { device });
    return;
  }
  (await networkOf(await context.host())).detachXdp(device, type);
}
