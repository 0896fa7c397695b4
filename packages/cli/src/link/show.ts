import type { LinkDetails } from "@tsbpf/linux";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import type { LiveHost } from "../live/live-host.js";
import { pinTable } from "../live/pin-table.js";
import { allOf, takeLink } from "../live/select.js";
import { linkMembers, netfilterText } from "./details.js";

/** `link show [LINK]` */
export async function showLinks(context: Context, words: Words): Promise<void> {
  const host = await context.host();
  const pinned = await pinTable(context, "link");
  const one = words.left > 0 ? await takeLink(context, words) : undefined;
  words.end("id", "pinned");
  const shown: unknown[] = [];
  for await (const link of one === undefined ? allOf(context, "link") : [one]) {
    const info = link.details();
    const paths = pinned?.get(link.id);
    if (context.json) shown.push(linkJson(host, info, paths));
    else context.print(linkText(host, info, paths));
    link.close();
  }
  if (context.json) context.answer(one === undefined ? shown : shown[0]);
}

function linkJson(host: LiveHost, info: LinkDetails, pinned: readonly string[] | undefined): object {
  return {
    id: info.id,
    type: info.type,
    // A link of a struct_ops map has no program.
    prog_id: info.type === "struct_ops" ? undefined : info.programId,
    ...linkMembers(host, info),
    pinned,
  };
}

/** Members that are written behind the program; all others follow on a line of their own. */
const onFirstLine: ReadonlySet<string> = new Set(["target_name", "map_id", "cgroup_id", "order", "tid", "pid"]);

function linkText(host: LiveHost, info: LinkDetails, pinned: readonly string[] = []): string {
  const type = typeof info.type === "number" ? `type ${info.type}` : info.type;
  const members = Object.entries(linkMembers(host, info)).filter(([, value]) => value !== undefined);
  let head = `${info.id}: ${type}  ${info.type === "struct_ops" ? "" : `prog ${info.programId}`}`;
  const isIterator = info.type === "iter" || info.type === "struct_ops";
  const same = isIterator ? members.filter(([name]) => onFirstLine.has(name)) : [];
  const below = isIterator ? [] : members.filter(([, value]) => !Array.isArray(value));
  if (same.length > 0) head += `  ${same.map(memberText).join("  ")}`;
  else if (below.length > 0) head += "  ";
  const lines = [head];
  if (info.type === "netfilter") lines.push(`\t${netfilterText(info)}`);
  else if (below.length > 0) lines.push(`\t${below.map(memberText).join("  ")}`);
  const functions = members.find(([name]) => name === "funcs")?.[1];
  if (Array.isArray(functions)) {
    for (const each of functions) lines.push(`\t${Object.entries(each).map(memberText).join("  ")}`);
  }
  lines.push(...pinned.map((path) => `\tpinned ${path}`));
  return lines.join("\n");
}

function memberText([name, value]: readonly [string, unknown]): string {
  if (name === "tp_name") return `tp '${value}'`;
  const isAddress = name === "addr" || name === "offset" || name === "ref_ctr_offset";
  return `${name} ${isAddress ? `0x${(value as bigint | number).toString(16)}` : value}`;
}
