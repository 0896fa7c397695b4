import { type FormattedValue, formatValue } from "@tsbpf/core/btf";
import type { LiveHost } from "../live/live-host.js";
import { typesThatMention } from "../live/object-btf.js";

const PREFIX = "bpf_metadata_";

/** A variable that a program tells about itself. */
export interface MetadataEntry {
  readonly name: string;
  readonly value: FormattedValue;
}

/**
 * What a program says about itself: its read-only variables that begin with `bpf_metadata_`. Undefined where it says
 * nothing.
 */
export function programMetadata(
  host: LiveHost,
  mapIds: readonly number[],
  plain: boolean,
): MetadataEntry[] | undefined {
  for (const id of mapIds) {
    const map = host.find("map", id);
    if (map === undefined) continue;
    try {
      const { name, btfId, valueTypeId, maxEntries, keySize } = map.head();
      if (!name.includes(".rodata") || btfId === 0 || valueTypeId === 0 || maxEntries !== 1 || keySize !== 4) continue;
      const btf = typesThatMention(host, btfId, PREFIX);
      const section = btf?.type(valueTypeId);
      const bytes = map.raw.lookup(new Uint8Array(4));
      if (btf === undefined || section?.kind !== "datasec" || bytes === undefined) continue;
      const entries = section.variables.flatMap(({ type, offset, size }) => {
        const variable = btf.type(type);
        if (variable.kind !== "var" || !variable.name.startsWith(PREFIX)) return [];
        const value = formatValue(btf, variable.type, bytes.subarray(offset, offset + size), { plain });
        return [{ name: variable.name.slice(PREFIX.length), value }];
      });
      if (entries.length > 0) return entries;
    } finally {
      map.close();
    }
  }
  return undefined;
}
