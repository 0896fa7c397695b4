import { mapTypeName, programTypeName } from "@tsbpf/core/abi";
import type { MapDetails } from "@tsbpf/linux";
import type { Words } from "../grammar/words.js";
import type { Context } from "../live/context.js";
import { pinTable } from "../live/pin-table.js";
import { allOf, takeMaps } from "../live/select.js";

/** `map show [MAP]`: maps, with their figures. */
export async function showMaps(context: Context, words: Words): Promise<void> {
  const pinned = await pinTable(context, "map");
  const one = words.left > 0 ? await takeMaps(context, words) : undefined;
  words.end("id", "name", "pinned");
  const shown: unknown[] = [];
  for await (const map of one ?? allOf(context, "map")) {
    const info = map.details();
    const paths = pinned?.get(map.id);
    if (context.json) shown.push(mapJson(info, paths));
    else context.print(mapText(info, paths));
    map.close();
  }
  if (context.json) context.answer(one?.length === 1 ? shown[0] : shown);
}

/** What a map is, as each of bpftool's listings begins. */
export function mapHeadJson(info: MapDetails): object {
  return {
    id: info.id,
    type: mapTypeName(info.type) ?? info.type,
    name: info.name || undefined,
    flags: info.flags,
  };
}

export function mapHeadText(info: MapDetails): string {
  const name = info.name === "" ? "" : `name ${info.name}  `;
  return `${info.id}: ${mapTypeName(info.type) ?? `type ${info.type}`}  ${name}flags 0x${info.flags.toString(16)}`;
}

function mapJson(info: MapDetails, pinned: readonly string[] | undefined): object {
  const owner = info.ownerProgramType;
  return {
    ...mapHeadJson(info),
    bytes_key: info.keySize,
    bytes_value: info.valueSize,
    max_entries: info.maxEntries,
    bytes_memlock: info.memlock,
    ...(owner === undefined ? {} : { owner_prog_type: programTypeName(owner) ?? owner }),
    owner_jited: info.ownerJited,
    frozen: info.frozen ? 1 : 0,
    btf_id: info.btfId || undefined,
    pinned,
  };
}

function mapText(info: MapDetails, pinned: readonly string[] = []): string {
  const lines = [mapHeadText(info)];
  const memlock = info.memlock === undefined ? "" : `  memlock ${info.memlock}B`;
  lines.push(`\tkey ${info.keySize}B  value ${info.valueSize}B  max_entries ${info.maxEntries}${memlock}`);
  if (info.ownerProgramType !== undefined) {
    const type = programTypeName(info.ownerProgramType) ?? info.ownerProgramType;
    lines.push(`\towner_prog_type ${type}  owner${info.ownerJited ? "" : " not"} jited`);
  }
  lines.push(...pinned.map((path) => `\tpinned ${path}`));
  const last = [...(info.btfId === 0 ? [] : [`btf_id ${info.btfId}`]), ...(info.frozen ? ["frozen"] : [])];
  if (last.length > 0) lines.push(`\t${last.join("  ")}`);
  return lines.join("\n");
}
