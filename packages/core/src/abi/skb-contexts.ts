import type { ContextField, ContextLayout } from "./context-layout.js";

/** `struct __sk_buff` with nothing hidden and nothing writable: each program type narrows it down. */
// biome-ignore format: one row a field
const skbFields = [
  { name: "len", offset: 0, size: 4, read: "narrow" },
  { name: "pkt_type", offset: 4, size: 4, read: "narrow" },
  { name: "mark", offset: 8, size: 4, read: "narrow" },
  { name: "queue_mapping", offset: 12, size: 4, read: "narrow" },
  { name: "protocol", offset: 16, size: 4, read: "narrow" },
  { name: "vlan_present", offset: 20, size: 4, read: "narrow" },
  { name: "vlan_tci", offset: 24, size: 4, read: "narrow" },
  { name: "vlan_proto", offset: 28, size: 4, read: "narrow" },
  { name: "priority", offset: 32, size: 4, read: "narrow" },
  { name: "ingress_ifindex", offset: 36, size: 4, read: "narrow" },
  { name: "ifindex", offset: 40, size: 4, read: "narrow" },
  { name: "tc_index", offset: 44, size: 4, read: "narrow" },
  { name: "cb", offset: 48, size: 4, count: 5, read: "within" },
  { name: "hash", offset: 68, size: 4, read: "narrow" },
  { name: "tc_classid", offset: 72, size: 4, read: "narrow" },
  { name: "data", offset: 76, size: 4, read: "exact", pointer: "packet" },
  { name: "data_end", offset: 80, size: 4, read: "exact", pointer: "packet_end" },
  { name: "napi_id", offset: 84, size: 4, read: "narrow" },
  { name: "family", offset: 88, size: 4, read: "narrow" },
  { name: "remote_ip4", offset: 92, size: 4, read: "exact" },
  { name: "local_ip4", offset: 96, size: 4, read: "exact" },
  { name: "remote_ip6", offset: 100, size: 4, count: 4, read: "exact" },
  { name: "local_ip6", offset: 116, size: 4, count: 4, read: "exact" },
  { name: "remote_port", offset: 132, size: 4, read: "narrow" },
  { name: "local_port", offset: 136, size: 4, read: "narrow" },
  { name: "data_meta", offset: 140, size: 4, read: "exact", pointer: "packet_meta" },
  { name: "flow_keys", offset: 144, size: 8, read: "exact", pointer: "flow_keys" },
  { name: "tstamp", offset: 152, size: 8, read: "exact" },
  { name: "wire_len", offset: 160, size: 4, read: "narrow" },
  { name: "gso_segs", offset: 164, size: 4, read: "narrow" },
  { name: "sk", offset: 168, size: 8, read: "exact", pointer: "sock_common?" },
  { name: "gso_size", offset: 176, size: 4, read: "narrow" },
  { name: "tstamp_type", offset: 180, size: 1, read: "exact" },
  { name: "hwtstamp", offset: 184, size: 8, read: "exact" },
] as const satisfies readonly ContextField[];

type SkbField = (typeof skbFields)[number]["name"];

interface SkbView {
  readonly hidden: readonly SkbField[];
  readonly writable: readonly SkbField[];
  /** Fields that need CAP_BPF. */
  readonly withBpf?: Readonly<Partial<Record<SkbField, "access" | "write">>>;
}

const socketFields: readonly SkbField[] = [
  "family",
  "remote_ip4",
  "local_ip4",
  "remote_ip6",
  "local_ip6",
  "remote_port",
  "local_port",
];

/** `struct __sk_buff` as one program type sees it. */
function skbLayout({ hidden, writable, withBpf = {} }: SkbView): ContextLayout {
  const view = (field: ContextField & { readonly name: SkbField }): ContextField => ({
    ...field,
    ...(writable.includes(field.name) ? { write: field.read === "within" ? "within" : "exact" } : {}),
    ...(withBpf[field.name] === undefined ? {} : { withBpf: withBpf[field.name] }),
  });
  return { struct: "__sk_buff", size: 192, fields: skbFields.filter(({ name }) => !hidden.includes(name)).map(view) };
}

export const socketFilterContext: ContextLayout = skbLayout({
  hidden: [
    ...["tc_classid", "data", "data_meta", "data_end", "flow_keys", "tstamp", "wire_len"],
    ...["tstamp_type", "hwtstamp"],
    ...socketFields,
  ] as SkbField[],
  writable: ["cb"],
});

export const schedClsContext: ContextLayout = skbLayout({
  hidden: [...socketFields, "flow_keys"],
  writable: ["mark", "tc_index", "priority", "tc_classid", "cb", "tstamp", "queue_mapping"],
});

export const cgroupSkbContext: ContextLayout = skbLayout({
  hidden: ["tc_classid", "data_meta", "flow_keys", "wire_len", "tstamp_type"],
  writable: ["mark", "priority", "cb", "tstamp"],
  withBpf: { data: "access", data_end: "access", tstamp: "write" },
});

export const lwtContext: ContextLayout = skbLayout({
  hidden: ["tc_classid", "data_meta", "flow_keys", "tstamp", "wire_len", "tstamp_type", "hwtstamp", ...socketFields],
  writable: ["mark", "priority", "cb"],
});

export const skSkbContext: ContextLayout = skbLayout({
  hidden: ["mark", "tc_classid", "data_meta", "flow_keys", "tstamp", "wire_len", "tstamp_type", "hwtstamp"],
  writable: ["priority", "tc_index"],
});

const flowDissectorFields: readonly SkbField[] = ["data", "data_end", "flow_keys"];

export const flowDissectorContext: ContextLayout = skbLayout({
  hidden: skbFields.map(({ name }) => name).filter((name) => !flowDissectorFields.includes(name)),
  writable: [],
});
