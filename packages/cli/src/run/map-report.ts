import { type Btf, type FormattedValue, formatBytes, formatValue } from "@tsbpf/core/btf";
import { type BpfMap, perCpuStride } from "@tsbpf/core/host";
import type { MapSpec, ObjectSpec } from "@tsbpf/core/spec";

/** An entry of a map as it is told, in bpftool's formatted form; a per-CPU value is `{"cpus": [...]}`. */
export interface ReportedEntry {
  readonly key: FormattedValue;
  readonly value: FormattedValue;
}

/** Maps that have no entries to list: they hold streams, or things of the host's own. */
const unlisted: ReadonlySet<string> = new Set([
  ...["ringbuf", "user_ringbuf", "perf_event_array", "bloom_filter", "queue", "stack", "stack_trace", "arena"],
  ...["struct_ops", "xskmap", "sockmap", "sockhash", "reuseport_sockarray", "cgroup_array", "prog_array"],
  ...["sk_storage", "inode_storage", "task_storage", "cgrp_storage", "cgroup_storage", "percpu_cgroup_storage"],
]);

/** Arrays with more slots than this are told without those that hold nothing but zeros. */
const SPARSE_ARRAY = 4096;

/**
 * The entries of an object's maps after a run, sorted by the bytes of their keys. Array slots that hold nothing but zeros
 * are left out of large arrays, and of all arrays with `brief` set: most arrays are nearly empty. With `network`, addresses
 * and ports are written as people read them.
 */
export function reportMaps(
  object: ObjectSpec,
  maps: Readonly<Record<string, BpfMap>>,
  options: { readonly brief?: boolean; readonly network?: boolean } = {},
): Map<string, ReportedEntry[]> {
  const report = new Map<string, ReportedEntry[]>();
  for (const [name, spec] of object.maps) {
    const map = maps[name];
    if (map === undefined || unlisted.has(spec.type)) continue;
    const sparse = isArray(spec) && (options.brief === true || spec.maxEntries > SPARSE_ARRAY);
    const entries = listEntries(map, sparse);
    const side: Side = (typeId, bytes) => formatSide(object.btf, typeId, bytes, options.network);
    report.set(
      name,
      entries.map(([key, value]) => ({
        key: formatKey(side, spec, key),
        value: formatEntry(side, object, name, map, value),
      })),
    );
  }
  return report;
}

function isArray({ type }: MapSpec): boolean {
  return type === "array" || type === "percpu_array";
}

function listEntries(map: BpfMap, nonZero: boolean): [Uint8Array, Uint8Array][] {
  return [...map.raw.entries({ nonZero })].sort(([a], [b]) => compareBytes(a, b));
}

/** Writes a key or a value. */
type Side = (typeId: number, bytes: Uint8Array) => FormattedValue;

function formatKey(side: Side, spec: MapSpec, key: Uint8Array): FormattedValue {
  if (isArray(spec)) return String(new DataView(key.buffer, key.byteOffset).getUint32(0, true));
  return side(spec.keyTypeId, key);
}

function formatEntry(side: Side, object: ObjectSpec, name: string, map: BpfMap, value: Uint8Array): FormattedValue {
  const spec = object.maps.get(name)!;
  if (spec.dataSection !== undefined) return formatData(side, object, name, value);
  return map.perCpu ? formatCpus(side, spec, value) : side(spec.valueTypeId, value);
}

/** A data section's variables, as bpftool lists them: `{".bss": [{"NAME": VALUE}, ...]}`. */
function formatData(side: Side, object: ObjectSpec, section: string, bytes: Uint8Array): FormattedValue {
  const variables = [...object.variables.values()].filter(({ map }) => map === section);
  const elements = variables.map(({ name, typeId, offset, size }) => ({
    members: [[name, side(typeId, bytes.subarray(offset, offset + size))] as const],
  }));
  return { members: [[section, { elements }]] };
}

function formatCpus(side: Side, spec: MapSpec, bytes: Uint8Array): FormattedValue {
  const values: FormattedValue[] = [];
  for (let at = 0; at < bytes.length; at += perCpuStride(spec.valueSize)) {
    values.push(side(spec.valueTypeId, bytes.subarray(at, at + spec.valueSize)));
  }
  return { members: [["cpus", { elements: values }]] };
}

function formatSide(btf: Btf | undefined, typeId: number, bytes: Uint8Array, network?: boolean): FormattedValue {
  return btf !== undefined && typeId !== 0 ? formatValue(btf, typeId, bytes, { network }) : formatBytes(bytes);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < a.length && at < b.length; at++) {
    if (a[at] !== b[at]) return a[at]! - b[at]!;
  }
  return a.length - b.length;
}
