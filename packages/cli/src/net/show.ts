import type { LinkDetails } from "@tsbpf/linux";
import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import { linkMembers, netfilterText } from "../link/details.js";
import type { Context } from "../live/context.js";
import type { LiveDevice, LiveFilter, LiveNetwork } from "../live/live-host.js";
import { allOf } from "../live/select.js";
import { networkOf } from "./network-of.js";

/** `net show [dev NAME]` */
export async function showNetwork(context: Context, words: Words): Promise<void> {
  const host = await context.host();
  const network = await networkOf(host);
  const devices = takeDevices(network, words);
  const xdp = devices.flatMap((device) => network.xdp(device).map((each) => ({ device, ...each })));
  const tc = devices.flatMap((device) => network.filters(device).map((filter) => filterOf(device, filter)));
  const dissectors = network.dissectors().map((id) => ({ id }));
  const netfilter = await netfilterLinks(context);
  if (context.json) {
    const shown = { xdp: xdp.map(xdpJson), tc, flow_dissector: dissectors };
    // bpftool knows of netfilter programs since 7.3: they are there where there are any.
    const links = netfilter.map((link) => ({ ...linkMembers(host, link), id: link.programId }));
    context.answer([netfilter.length === 0 ? shown : { ...shown, netfilter: links }]);
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
    ...(netfilter.length === 0 ? [] : part("netfilter", netfilter.map(linkLine))),
  ];
  for (const line of lines) context.print(line);
}

function linkLine(link: LinkDetails): string {
  return `\t${netfilterText(link)} prog_id ${link.programId}`;
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
  /** Flags of tcx are none so far. */
  readonly prog_flags?: readonly string[];
  /** 0 without a link. */
  readonly link_id?: number;
  readonly link_flags?: readonly string[];
}

function filterOf(device: LiveDevice, { kind, name, programId, linkId }: LiveFilter): FilterLine {
  const line = { devname: device.name, ifindex: device.index, kind, name };
  if (!kind.startsWith("tcx/")) return { ...line, id: programId };
  return { ...line, prog_id: programId, prog_flags: [], link_id: linkId ?? 0, link_flags: [] };
}

function filterText({ devname, ifindex, kind, name, id, prog_id, link_id }: FilterLine): string {
  const tail = id === undefined ? `prog_id ${prog_id}${!link_id ? "" : ` link_id ${link_id}`}` : `id ${id}`;
  return `${devname}(${ifindex}) ${kind} ${name} ${tail}`;
}

/** Links in the order in which netfilter asks them: by family, hook and priority. */
async function netfilterLinks(context: Context): Promise<LinkDetails[]> {
  const found: LinkDetails[] = [];
  for await (const link of allOf(context, "link")) {
    const info = link.details();
    link.close();
    if (info.type === "netfilter" && info.netfilter !== undefined) found.push(info);
  }
  const place = ({ netfilter }: LinkDetails) => [netfilter!.family, netfilter!.hook, netfilter!.priority];
  return found.sort((a, b) => {
    const [left, right] = [place(a), place(b)];
    const differs = left.findIndex((value, index) => value !== right[index]);
    return differs < 0 ? a.id - b.id : left[differs]! - right[differs]!;
  });
}
