import { type NetworkDevice, networkDevices, setXdpProgram, xdpFlags } from "@tsbpf/linux";
import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { requireKernel } from "../live/kernel-only.js";
import { takeProgramSource } from "../live/program-source.js";
import { didYouMean } from "../suggest.js";
import { printTable } from "../table.js";
import { xdpModes } from "./grammar.js";

const modeFlags = { native: xdpFlags.native, skb: xdpFlags.generic, hw: xdpFlags.offload } as const;
const modeNames = { driver: "native", generic: "skb", offload: "hw" } as const;

/** `xdp attach DEV PROGRAM [mode MODE] [replace]` */
export async function attachXdp(context: Context, words: Words): Promise<void> {
  await requireKernel(context, "XDP on devices");
  const device = takeDevice(words);
  const program = await takeProgramSource(context, words, ({ type }) => type === "xdp");
  try {
    const mode = takeMode(words);
    const replace = words.take("replace") !== undefined;
    words.end("mode", "replace");
    if (!replace && device.xdp.length > 0) {
      throw new CommandError(`${device.name} has XDP program ${device.xdp[0]!.programId} already`, {
        hint: "'replace' puts the new one in its place",
      });
    }
    setXdpProgram(device.name, program.fd, mode | (replace ? 0 : xdpFlags.onlyIfNone));
  } finally {
    program.close();
  }
}

/** `xdp detach DEV [mode MODE]` */
export async function detachXdp(context: Context, words: Words): Promise<void> {
  await requireKernel(context, "XDP on devices");
  const device = takeDevice(words);
  const mode = takeMode(words);
  words.end("mode");
  const flags = device.xdp.map((each) => modeFlags[modeNames[each.mode]]).filter((each) => mode === 0 || each === mode);
  if (flags.length === 0)
    throw new CommandError(`${device.name} has no XDP program${mode === 0 ? "" : " in this mode"}`);
  for (const each of flags) setXdpProgram(device.name, -1, each);
}

/** `xdp status [DEV]` */
export async function showXdp(context: Context, words: Words): Promise<void> {
  await requireKernel(context, "XDP on devices");
  const one = words.left > 0 ? takeDevice(words) : undefined;
  words.end();
  const host = await context.host();
  const devices = one === undefined ? networkDevices().sort((a, b) => a.index - b.index) : [one];
  const shown = devices.flatMap(({ name: ifname, index: ifindex, xdp }) =>
    xdp.map(({ mode, programId: id }) => {
      const program = host.find("program", id);
      const details = program?.details();
      program?.close();
      return { ifname, ifindex, mode: modeNames[mode], prog: { id, name: details?.name, tag: details?.tag } };
    }),
  );
  if (context.json) context.answer(shown);
  else if (shown.length === 0)
    context.print(one === undefined ? "no device has an XDP program" : `${one.name} has no XDP program`);
  else {
    const columns = [
      { title: "device" },
      { title: "mode" },
      { title: "id", align: "right" as const },
      { title: "name" },
      { title: "tag" },
    ];
    const rows = shown.map(({ ifname, mode, prog }) => [
      ifname,
      mode,
      String(prog.id),
      prog.name ?? "",
      prog.tag ?? "",
    ]);
    printTable(context.session.terminal, columns, rows);
  }
}

function takeMode(words: Words): number {
  return words.take("mode") === undefined ? 0 : modeFlags[words.choose("mode", xdpModes)];
}

/** A device of this network namespace; a `dev` before its name does no harm. */
export function takeDevice(words: Words): NetworkDevice {
  if (words.peek() === "dev") words.next("dev");
  const name = words.next("DEV");
  const devices = networkDevices();
  const device = devices.find((each) => each.name === name);
  if (device !== undefined) return device;
  const near = didYouMean(
    name,
    devices.map((each) => each.name),
  );
  throw new CommandError(`there is no network device '${name}' here${near}`);
}
