import { mapTypeName } from "@tsbpf/core/abi";
import { type FormattedValue, formatValue, stringifyFormatted, type TypeId } from "@tsbpf/core/btf";
import { MapHandle } from "@tsbpf/linux";
import { CommandError } from "../command-error.js";
import type { Words } from "../grammar/words.js";
import { JsonText } from "../json.js";
import type { Context } from "../live/context.js";
import { requireKernel } from "../live/kernel-only.js";
import type { LiveHost, LiveMap } from "../live/live-host.js";
import { programName } from "../live/program-name.js";
import { allOf, byId } from "../live/select.js";
import { functionTypeText } from "../prog/prototype.js";
import { didYouMean } from "../suggest.js";

const VALUE_PREFIX = "bpf_struct_ops_";
const onlyKey = new Uint8Array(4);

/** `struct_ops show [STRUCT_OPS_MAP]` */
export async function showStructOps(context: Context, words: Words): Promise<void> {
  const maps = await takeStructOps(context, words);
  const host = await context.host();
  const shown = maps.map((map) => ({
    id: map.id,
    name: map.details().name,
    kernel_struct_ops: interfaceName(host, map),
  }));
  if (context.json) context.answer(shown);
  else
    for (const { id, name, kernel_struct_ops: of } of shown)
      context.print(`${id}: ${name.padEnd(15)} ${of.padEnd(32)}`);
}

/** `struct_ops dump [STRUCT_OPS_MAP]`: each one's map and its value, functions by the programs that stand for them. */
export async function dumpStructOps(context: Context, words: Words): Promise<void> {
  const maps = await takeStructOps(context, words);
  const host = await context.host();
  const elements = maps.flatMap((map) => dumpOf(host, map, !context.json));
  const text = stringifyFormatted({ elements }, { pretty: !context.json });
  if (context.json) context.answer(new JsonText(text));
  else context.print(text);
}

/** `struct_ops unregister STRUCT_OPS_MAP` */
export async function unregisterStructOps(context: Context, words: Words): Promise<void> {
  const maps = await takeStructOps(context, words, true);
  const host = await context.host();
  for (const map of maps) {
    if (!map.raw.delete(onlyKey)) throw new CommandError(`struct_ops map ${map.id} is not in force`);
    if (!context.json) context.print(`unregistered ${interfaceName(host, map)} ${map.details().name} id ${map.id}`);
  }
}

/** The struct_ops maps that the words name; all of them where there are no words. */
async function takeStructOps(context: Context, words: Words, needed = false): Promise<LiveMap[]> {
  await requireKernel(context, "struct_ops");
  const by = words.left === 0 && !needed ? undefined : words.choose("way of naming a struct_ops map", ["id", "name"]);
  if (by === "id") {
    const map = await byId(context, "map", words);
    words.end();
    if (!isStructOps(map)) throw new CommandError(`map ${map.id} is no struct_ops map`);
    return [map];
  }
  const name = by === undefined ? undefined : words.next("MAP_NAME");
  words.end();
  const all: LiveMap[] = [];
  for await (const map of allOf(context, "map")) {
    if (isStructOps(map)) all.push(map);
    else map.close();
  }
  if (name === undefined) return all;
  // The kernel keeps 15 bytes of a name.
  const named = all.filter((map) => map.details().name === name.slice(0, 15));
  if (named.length > 0) return named;
  const names = all.map((map) => map.details().name);
  throw new CommandError(`no struct_ops map is called '${name}'${didYouMean(name, names)}`);
}

function isStructOps(map: LiveMap): boolean {
  return mapTypeName(map.details().type) === "struct_ops";
}

function interfaceName(host: LiveHost, map: LiveMap): string {
  return host.vmlinux().name(map.details().vmlinuxValueTypeId).slice(VALUE_PREFIX.length);
}

function dumpOf(host: LiveHost, map: LiveMap, plain: boolean): FormattedValue[] {
  const kernel = host.vmlinux();
  const parts: FormattedValue[] = [];
  const [infoType] = kernel.find("bpf_map_info", "struct");
  if (infoType !== undefined && map instanceof MapHandle) {
    const bytes = map.info(kernel.size(infoType) ?? 0);
    parts.push({ members: [["bpf_map_info", formatValue(kernel, infoType, bytes, { plain })]] });
  }
  const typeId = map.details().vmlinuxValueTypeId;
  const value = map.raw.lookup(onlyKey);
  if (value === undefined) throw new CommandError(`struct_ops map ${map.id} has no value`);
  const functionPointer = (proto: TypeId, id: bigint) =>
    `${functionTypeText(kernel, proto)} ${id === 0n ? "0" : implementer(host, Number(id))}`;
  parts.push({ members: [[kernel.name(typeId), formatValue(kernel, typeId, value, { plain, functionPointer })]] });
  return parts;
}

/** `on_loss/prog_id:12`: the kernel writes the id of a program into the place of the function. */
function implementer(host: LiveHost, id: number): string {
  const program = host.find("program", id);
  if (program === undefined) return `prog_id:${id}`;
  const name = programName(host, program);
  program.close();
  return `${name}/prog_id:${id}`;
}
