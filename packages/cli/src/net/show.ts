import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import { linkMembers } from "../link/details.js";
import type { Context } from "../live/context.js";
import type { LiveDevice, LiveFilter, LiveNetwork } from "../live/live-host.js";
import { allOf } from "../live/select.js";
import { networkOf } from "./network-of.js";

/** `net show [dev NAME]` */
export async function showNetwork(context: Context, words: Words): Promise<void> {
  const network = await networkOf(await context.host());
  const devices = takeDevices(network, words);
  const xdp = devices.flatMap((device) => network.xdp(device).map((each) => ({ device, ...each })));
  const tc = devices.flatMap((device) => network.filters(device).map((filter) => filterOf(device, filter)));
  const dissectors = network.dissectors().map((id) => ({ id }));
  const netfilter = await netfilterLinks(context);
  if (context.json) {
    const shown = { xdp: xdp.map(xdpJson), tc, flow_dissector: dissectors };
    // bpftool knows of netfilter programs since 7.3: they are there where there are any.
    context.answer([netfilter.length === 0 ? shown : { ...shown, netfilter }]);
    return;
  }
  const part = (title: string, lines: readonly string[]) => [`${title}:`, ...lines, ""];
  const lines = [
    ...part(
      "xdp",
      xdp.map(({ device, mode, programId }) => `${device.name}(${device.index}) ${mode} id ${programId}`),
    ),
    ...part("tc", tc.map(filterText)),
    "flow_dissector:",
    dissectors.map(({ id }) => `id ${id}`).join("\n"),
    ...(netfilter.length === 0 ? [] : part("netfilter", netfilter.map(membersText))),
  ];
  for (const line of lines) context.print(line);
}

function membersText(members: Record<string, unknown>): string {
  return Object.entries(members)
    .map(([name, value]) => `${name} ${value}`)
    .join(" ");
}

function takeDevices(network: LiveNetwork, words: Words): LiveDevice[] {
  const devices = network.devices();
  if (words.left === 0) return devices;
  words.choose("keyword", ["dev"]);
  const name = words.next("NAME");
  words.end();
  const chosen = devices.filter((device) => device.name === name);
  if (chosen.length > 0) return chosen;
  throw new CommandError(`there is no network device '${name}' here`);
}

interface XdpLine {
  readonly device: LiveDevice;
  readonly mode: string;
  readonly programId: number;
}

function xdpJson({ device, mode, programId }: XdpLine): object {
  return { devname: device.name, ifindex: device.index, mode, id: programId };
}

interface FilterLine {
  readonly devname: string;
  readonly ifindex: number;
  readonly kind: string;
  readonly name: string;
  readonly id?: number;
  readonly prog_id?: number;
  readonly link_id?: number | undefined;
}

function filterOf(device: LiveDevice, { kind, name, programId, linkId }: LiveFilter): FilterLine {
  const line = { devname: device.name, ifindex: device.index, kind, name };
  return kind.startsWith("tcx/") ? { ...line, prog_id: programId, link_id: linkId } : { ...line, id: programId };
}

function filterText({ devname, ifindex, kind, name, id, prog_id, link_id }: FilterLine): string {
  const tail =
    id === undefined ? `prog_id ${prog_id}${link_id === undefined ? "" : ` link_id ${link_id}`}` : `id ${id}`;
  return `${devname}(${ifindex}) ${kind} ${name} ${tail}`;
}

async function netfilterLinks(context: Context): Promise<Record<string, unknown>[]> {
  const host = await context.host();
  const found: Record<string, unknown>[] = [];
  for await (const link of allOf(context, "link")) {
    const info = link.details();
    link.close();
    if (info.type === "netfilter") found.push({ id: info.id, prog_id: info.programId, ...linkMembers(host, info) });
  }
  return found;
}
