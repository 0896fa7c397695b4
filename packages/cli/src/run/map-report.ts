import {
  type BpfMap,
  type Btf,
  type FormattedValue,
  formatBytes,
  formatValue,
  type MapSpec,
  type ObjectSpec,
  perCpuStride,
} from "@tsbpf/core";

/** An entry of a map as it is told, in bpftool's formatted form; a per-CPU value is `{"cpus": [...]}`. */
export interface ReportedEntry {
  readonly key: FormattedValue;
  readonly value: FormattedValue;
}

/** Maps that have no entries to list: they hold streams, or things of the host's own. */
const unlisted: ReadonlySet<string> = new Set([
  "ringbuf",
  "user_ringbuf",
  "perf_event_array",
  "bloom_filter",
  "queue",
  "stack",
  "stack_trace",
  "arena",
  "struct_ops",
]);

/**
 * The entries of an object's maps after a run, sorted by the bytes of their keys. Array slots that hold nothing but zeros
 * are left out unless `all` is set: most arrays are nearly empty.
 */
export function reportMaps(
  object: ObjectSpec,
  maps: Readonly<Record<string, BpfMap>>,
  options: { readonly all?: boolean } = {},
): Map<string, ReportedEntry[]> {
  const report = new Map<string, ReportedEntry[]>();
  for (const [name, spec] of object.maps) {
    const map = maps[name];
    if (map === undefined || unlisted.has(spec.type)) continue;
    const skipZeros = options.all !== true && spec.type.endsWith("array");
    const entries = [...map.raw.entries()].filter(([, value]) => !skipZeros || value.some((byte) => byte !== 0));
    entries.sort(([a], [b]) => compareBytes(a, b));
    if (spec.dataSection !== undefined) {
      report.set(
        name,
        entries.map(([, value]) => ({ key: "0", value: formatData(object, name, value) })),
      );
      continue;
    }
    report.set(
      name,
      entries.map(([key, value]) => ({
        key: spec.type.endsWith("array") ? String(readIndex(key)) : formatSide(object.btf, spec.keyTypeId, key),
        value: map.perCpu ? formatCpus(object.btf, spec, value) : formatSide(object.btf, spec.valueTypeId, value),
      })),
    );
  }
  return report;
}

/** A data section's variables, as bpftool lists them: `{".bss": [{"NAME": VALUE}, ...]}`. */
function formatData(object: ObjectSpec, section: string, bytes: Uint8Array): FormattedValue {
  const variables = [...object.variables.values()].filter(({ map }) => map === section);
  const elements = variables.map(({ name, typeId, offset, size }) => ({
    members: [[name, formatSide(object.btf, typeId, bytes.subarray(offset, offset + size))] as const],
  }));
  return { members: [[section, { elements }]] };
}

function readIndex(key: Uint8Array): number {
  return new DataView(key.buffer, key.byteOffset).getUint32(0, true);
}

function formatCpus(btf: Btf | undefined, spec: MapSpec, bytes: Uint8Array): FormattedValue {
  const values: FormattedValue[] = [];
  for (let at = 0; at < bytes.length; at += perCpuStride(spec.valueSize)) {
    values.push(formatSide(btf, spec.valueTypeId, bytes.subarray(at, at + spec.valueSize)));
  }
  return { members: [["cpus", { elements: values }]] };
}

function formatSide(btf: Btf | undefined, typeId: number, bytes: Uint8Array): FormattedValue {
  return btf !== undefined && typeId !== 0 ? formatValue(btf, typeId, bytes) : formatBytes(bytes);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    if (a[at] !== b[at]) return a[at]! - b[at]!;
  }
  return a.length - b.length;
}
