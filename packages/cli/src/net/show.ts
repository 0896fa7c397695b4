import {
  flowDissectors,
  type NetworkDevice,
  networkDevices,
  queryTcx,
  type TrafficFilter,
  trafficFilters,
} from "@tsbpf/linux";
import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import { linkMembers } from "../link/details.js";
import type { Context } from "../live/context.js";
import { requireKernel } from "../live/kernel-only.js";
import type { LiveHost } from "../live/live-host.js";
import { allOf } from "../live/select.js";

/** `net show [dev NAME]` */
export async function showNetwork(context: Context, words: Words): Promise<void> {
  await requireKernel(context, "the network stack");
  const host = await context.host();
  const devices = takeDevices(words);
  const xdp = devices.flatMap(xdpOf);
  const tc = devices.flatMap((device) => [
    ...tcxOf(host, device),
    ...trafficFilters(device.index).map((filter) => filterOf(device, filter)),
  ]);
  const dissectors = flowDissectors().map((id) => ({ id }));
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
      xdp.map(({ device, mode, id }) => `${device.name}(${device.index}) ${mode} id ${id}`),
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

function takeDevices(words: Words): NetworkDevice[] {
  const devices = networkDevices().sort((a, b) => a.index - b.index);
  if (words.left === 0) return devices;
  words.choose("keyword", ["dev"]);
  const name = words.next("NAME");
  words.end();
  const chosen = devices.filter((device) => device.name === name);
  if (chosen.length > 0) return chosen;
  throw new CommandError(`there is no network device '${name}' here`);
}

interface XdpLine {
  readonly device: NetworkDevice;
  readonly mode: string;
  readonly id: number;
}

function xdpOf(device: NetworkDevice): XdpLine[] {
  return device.xdp.map(({ mode, programId }) => ({ device, mode, id: programId }));
}

function xdpJson({ device, mode, id }: XdpLine): object {
  return { devname: device.name, ifindex: device.index, mode, id };
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

function filterOf(device: NetworkDevice, { kind, name, programId }: TrafficFilter): FilterLine {
  return { devname: device.name, ifindex: device.index, kind, name, id: programId };
}

/** tcx, which bpftool knows since 7.3 and lists before the filters. */
function tcxOf(host: LiveHost, device: NetworkDevice): FilterLine[] {
  return (["ingress", "egress"] as const).flatMap((direction) => {
    const { programIds, linkIds } = queryTcx(device.index, direction);
    return programIds.map((id, i) => ({
      devname: device.name,
      ifindex: device.index,
      kind: `tcx/${direction}`,
      name: nameOfProgram(host, id),
      prog_id: id,
      link_id: linkIds[i] || undefined,
    }));
  });
}

function nameOfProgram(host: LiveHost, id: number): string {
  const program = host.find("program", id);
  const name = program?.details().name ?? "";
  program?.close();
  return name;
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
