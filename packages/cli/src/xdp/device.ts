import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import type { LiveDevice, LiveNetwork, XdpPlacement } from "../live/live-host.js";
import { takeProgramSource } from "../live/program-source.js";
import { networkOf } from "../net/network-of.js";
import { didYouMean } from "../suggest.js";
import { printTable } from "../table.js";
import { xdpModes } from "./grammar.js";

type Mode = (typeof xdpModes)[number];

const placements: Readonly<Record<Mode, XdpPlacement>> = { native: "xdpdrv", skb: "xdpgeneric", hw: "xdpoffload" };
/** By the names of a host's network. */
const modeNames: Readonly<Record<string, Mode>> = { driver: "native", generic: "skb", offload: "hw" };

/** `xdp attach DEV PROGRAM [mode MODE] [replace]` */
export async function attachXdp(context: Context, words: Words): Promise<void> {
  const network = await networkOf(await context.host());
  const device = takeDevice(network, words);
  const program = await takeProgramSource(context, words, ({ type }) => type === "xdp");
  try {
    const mode = takeMode(words);
    const replace = words.take("replace") !== undefined;
    words.end("mode", "replace");
    const [there] = network.xdp(device);
    if (!replace && there !== undefined) {
      throw new CommandError(`${device.name} has XDP program ${there.programId} already`, {
        hint: "'replace' puts the new one in its place",
      });
    }
    network.attachXdp(program.live, device.name, mode === undefined ? "xdp" : placements[mode], replace);
  } finally {
    program.close();
  }
}

/** `xdp detach DEV [mode MODE]` */
export async function detachXdp(context: Context, words: Words): Promise<void> {
  const network = await networkOf(await context.host());
  const device = takeDevice(network, words);
  const wanted = takeMode(words);
  words.end("mode");
  const modes = network.xdp(device).map(({ mode }) => modeNames[mode]!);
  const chosen = modes.filter((mode) => wanted === undefined || mode === wanted);
  if (chosen.length === 0) {
    throw new CommandError(`${device.name} has no XDP program${wanted === undefined ? "" : ` in mode ${wanted}`}`);
  }
  for (const mode of chosen) network.detachXdp(device.name, placements[mode]);
}

/** `xdp status [DEV]` */
export async function showXdp(context: Context, words: Words): Promise<void> {
  const host = await context.host();
  const network = await networkOf(host);
  const one = words.left > 0 ? takeDevice(network, words) : undefined;
  words.end();
  const shown = (one === undefined ? network.devices() : [one]).flatMap((device) =>
    network.xdp(device).map(({ mode, programId: id }) => {
      const program = host.find("program", id);
      const details = program?.details();
      program?.close();
      const prog = { id, name: details?.name, tag: details?.tag };
      return { ifname: device.name, ifindex: device.index, mode: modeNames[mode] ?? mode, prog };
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

function takeMode(words: Words): Mode | undefined {
  return words.take("mode") === undefined ? undefined : words.choose("mode", xdpModes);
}

/** A device of the host's network; a `dev` before its name does no harm. */
export function takeDevice(network: LiveNetwork, words: Words): LiveDevice {
  if (words.peek() === "dev") words.next("dev");
  const name = words.next("DEV");
  const devices = network.devices();
  const device = devices.find((each) => each.name === name);
  if (device !== undefined) return device;
  const names = devices.map((each) => each.name);
  throw new CommandError(`there is no network device '${name}' here${didYouMean(name, names)}`);
}
