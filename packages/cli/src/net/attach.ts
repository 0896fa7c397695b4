import { setXdpProgram, xdpFlags } from "@tsbpf/linux";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { requireKernel } from "../live/kernel-only.js";
import { takeProgram } from "../live/select.js";
import { netAttachTypes } from "./grammar.js";

const BPF_F_BEFORE = 8;

const modes: Readonly<Record<string, number>> = {
  xdp: 0,
  xdpgeneric: xdpFlags.generic,
  xdpdrv: xdpFlags.native,
  xdpoffload: xdpFlags.offload,
};

/** `net attach ATTACH_TYPE PROG dev NAME [overwrite | prepend]` */
export async function attachToDevice(context: Context, words: Words): Promise<void> {
  await requireKernel(context, "the network stack");
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
  setXdpProgram(device, program.fd, modes[type]! | (overwrite ? 0 : xdpFlags.onlyIfNone));
}

/** `net detach ATTACH_TYPE dev NAME` */
export async function detachFromDevice(context: Context, words: Words): Promise<void> {
  await requireKernel(context, "the network stack");
  const type = words.choose("attach type", netAttachTypes);
  words.choose("keyword", ["dev"]);
  const device = words.next("NAME");
  words.end();
  if (type === "tcx_ingress" || type === "tcx_egress") {
    (await context.host()).detach(undefined, type, { device });
    return;
  }
  setXdpProgram(device, -1, modes[type]!);
}
