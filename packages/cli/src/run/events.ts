import { type FormattedValue, formatBytes, formatValue, stringifyFormatted } from "@tsbpf/core/btf";
import type { BpfMap, EventSubscription } from "@tsbpf/core/host";
import type { ObjectSpec } from "@tsbpf/core/spec";
import { CommandError } from "../command-error.js";
import type { Terminal } from "../terminal.js";

const streams: ReadonlySet<string> = new Set(["ringbuf", "perf_event_array"]);

/**
 * Prints the events of an object's ring buffers and perf event arrays as they come: as the struct `typeName` of the
 * object's BTF, or in hex without one.
 */
export function printEvents(
  terminal: Terminal,
  object: ObjectSpec,
  maps: Readonly<Record<string, BpfMap>>,
  typeName: string | undefined,
): EventSubscription[] {
  const format = eventFormatter(object, typeName);
  return Object.entries(maps)
    .filter(([, map]) => streams.has(map.type))
    .map(([name, map]) =>
      map.raw.subscribe({
        event: (bytes) => terminal.print(`${name}: ${stringifyFormatted(format(bytes))}`),
        lost: (count) => terminal.warn(`${name}: ${count} events lost`),
      }),
    );
}

function eventFormatter({ btf }: ObjectSpec, typeName: string | undefined): (bytes: Uint8Array) => FormattedValue {
  if (typeName === undefined) return formatBytes;
  const name = typeName.replace(/^struct\s+/, "");
  const [typeId] = btf?.find(name, "struct") ?? [];
  if (btf === undefined || typeId === undefined) {
    throw new CommandError(`--events ${typeName}: the object's BTF has no struct ${name}`);
  }
  const size = btf.size(typeId) ?? 0;
  return (bytes) => (bytes.length < size ? formatBytes(bytes) : formatValue(btf, typeId, bytes, { network: true }));
}
