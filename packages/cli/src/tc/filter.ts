import {
  addClsactFilter,
  createClsact,
  deleteClsact,
  deleteClsactFilter,
  type TrafficFilter,
  trafficFilters,
} from "@tsbpf/linux";
import { CommandError, UsageError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { requireKernel } from "../live/kernel-only.js";
import type { LiveHost } from "../live/live-host.js";
import { takeProgramSource } from "../live/program-source.js";
import { networkOf } from "../net/network-of.js";
import { takeDevice } from "../xdp/device.js";

const directions = ["ingress", "egress"] as const;
const ETH_P_ALL = 3;
const MAX_PRIORITY = 0xffff;

/** `tc filter { add | replace | del | show } dev DEV ...` */
export async function filterCommand(context: Context, words: Words): Promise<void> {
  await requireKernel(context, "traffic control");
  const action = words.choose("action", ["add", "replace", "delete", "show", "list"]);
  if (action === "add" || action === "replace") await putFilter(context, words, action === "replace");
  else if (action === "delete") await deleteFilter(context, words);
  else await showFilters(context, words);
}

/** `tc qdisc { add | del } dev DEV clsact` */
export async function qdiscCommand(context: Context, words: Words): Promise<void> {
  await requireKernel(context, "traffic control");
  const action = words.choose("action", ["add", "delete"]);
  const device = takeDevice(await networkOf(await context.host()), words);
  words.choose("qdisc", ["clsact"]);
  words.end();
  if (action === "delete") deleteClsact(device.name);
  else createClsact(device.name);
}

async function putFilter(context: Context, words: Words, replace: boolean): Promise<void> {
  const device = takeDevice(await networkOf(await context.host()), words);
  const direction = words.choose("direction", directions);
  const place = takePlace(words);
  words.choose("kind of filter", ["bpf"]);
  let direct = false;
  while (words.peek() === "da" || words.peek() === "direct-action") {
    words.next("da");
    direct = true;
  }
  const program = await takeProgramSource(context, words, ({ type }) => type === "sched_cls" || type === "sched_act");
  try {
    while (words.peek() === "da" || words.peek() === "direct-action") {
      words.next("da");
      direct = true;
    }
    words.end("da", "direct-action");
    // What a program returns is a verdict here; classes are for qdiscs that have some.
    if (!direct) throw new UsageError(`${words.command}: 'da' is missing: filters return verdicts (direct action)`);
    addClsactFilter(
      { device: device.name, direction, ...place },
      { fd: program.live.fd, name: program.label },
      replace,
    );
  } finally {
    program.close();
  }
}

async function deleteFilter(context: Context, words: Words): Promise<void> {
  const device = takeDevice(await networkOf(await context.host()), words);
  const direction = words.choose("direction", directions);
  const place = takePlace(words);
  words.take("bpf");
  words.end("pref", "handle");
  if (place.handle !== 0 && place.priority === 0) {
    throw new UsageError(`${words.command}: a handle is one among those of a 'pref N'`);
  }
  const there = trafficFilters(device.index).filter(({ kind }) => kind === `clsact/${direction}`);
  const fits = (each: TrafficFilter) =>
    (place.priority === 0 || each.priority === place.priority) && (place.handle === 0 || each.handle === place.handle);
  if (!there.some(fits)) throw new CommandError(`${device.name} ${direction} has no such filter`);
  deleteClsactFilter({ device: device.name, direction, ...place });
}

/** `protocol all`, `pref N`, `handle N`, in any order; 0 where the kernel may choose. */
function takePlace(words: Words): { priority: number; handle: number } {
  const place = { priority: 0, handle: 0 };
  for (;;) {
    const word = words.take("pref", "preference", "prio", "priority", "handle", "protocol");
    if (word === undefined) return place;
    if (word === "protocol") words.choose("protocol", ["all"]);
    else if (word === "handle") place.handle = words.number("handle");
    else place.priority = words.number("pref", MAX_PRIORITY);
  }
}

async function showFilters(context: Context, words: Words): Promise<void> {
  const device = takeDevice(await networkOf(await context.host()), words);
  const direction = words.take(...directions);
  words.end(...directions);
  const host = await context.host();
  const wanted = direction === undefined ? directions : [direction];
  const filters = trafficFilters(device.index)
    .filter(({ kind }) => wanted.some((each) => kind === `clsact/${each}`))
    // The kernel lists a priority's newest first, tc as it gets them.
    .sort((a, b) => a.kind.localeCompare(b.kind) * -1 || a.priority - b.priority);
  if (context.json) {
    context.answer(
      filters.flatMap((filter, index) => filterJson(host, filter, filters[index - 1], direction === undefined)),
    );
    return;
  }
  for (const filter of filters) context.print(filterText(host, filter, direction === undefined));
}

function filterJson(host: LiveHost, filter: TrafficFilter, before: TrafficFilter | undefined, told: boolean): object[] {
  const { kind, priority, protocol } = filter;
  const head = { protocol: protocolName(protocol), pref: priority, kind: "bpf", chain: 0 };
  const place = told ? { direction: kind.slice("clsact/".length) } : {};
  const options = {
    handle: `0x${filter.handle.toString(16)}`,
    bpf_name: filter.name,
    "direct-action": filter.directAction || undefined,
    ...(filter.inHardware ? { in_hw: true } : { not_in_hw: true }),
    prog: programOf(host, filter.programId),
  };
  const entry = { ...place, ...head, options };
  const isFirst = before === undefined || before.priority !== priority || before.kind !== kind;
  // tc announces each priority by an entry of its own.
  return isFirst && !told ? [head, entry] : [entry];
}

function filterText(host: LiveHost, filter: TrafficFilter, told: boolean): string {
  const { id, name, tag, jited } = programOf(host, filter.programId);
  const direction = told ? `${filter.kind.slice("clsact/".length)} ` : "";
  const flags = `${filter.directAction ? " direct-action" : ""}${filter.inHardware ? " in_hw" : " not_in_hw"}`;
  const program = ` id ${id} name ${name} tag ${tag}${jited === 1 ? " jited" : ""}`;
  const place = `protocol ${protocolName(filter.protocol)} pref ${filter.priority} bpf chain 0 handle 0x${filter.handle.toString(16)}`;
  return `filter ${direction}${place} ${filter.name}${flags}${program}`;
}

function protocolName(protocol: number): string {
  return protocol === ETH_P_ALL ? "all" : `[${protocol}]`;
}

function programOf(host: LiveHost, id: number) {
  const program = host.find("program", id);
  const details = program?.details();
  program?.close();
  const jited = (details?.jitedSize ?? 0) > 0 ? 1 : undefined;
  return { id, name: details?.name, tag: details?.tag, jited };
}
