// The maps and types that the generated programs use: made once in the kernel, described once to our verifier.
import { encodeBtf } from "../../packages/core/dist/btf/index.js";
import { parseBtf } from "../../packages/core/dist/index.js";

const RDONLY_PROG = 0x80;
const WRONLY_PROG = 0x100;

/** Types of the programs' own BTF, by name. */
const typeList = [];
const type = (value) => typeList.push(value);
const int = (name, size, encoding) => ({ kind: "int", name, size, encoding, bitOffset: 0, bits: size * 8 });
const member = (name, typeId, offset) => ({ name, type: typeId, bitOffset: offset * 8, bitSize: 0 });
const INT = type(int("int", 4, "signed"));
const U32 = type(int("u32", 4, "unsigned"));
const U64 = type(int("u64", 8, "unsigned"));
const LOCK = type({ kind: "struct", name: "bpf_spin_lock", size: 4, members: [member("val", U32, 0)] });
const U64_PAIR = type({ kind: "array", type: U64, indexType: U32, length: 2 });
const TIMER = type({ kind: "struct", name: "bpf_timer", size: 16, members: [member("__opaque", U64_PAIR, 0)] });
const LOCKED = type({
  kind: "struct",
  name: "locked",
  size: 24,
  members: [member("count", INT, 0), member("lock", LOCK, 4), member("data", U64, 8), member("more", U64, 16)],
});
const TIMED = type({
  kind: "struct",
  name: "timed",
  size: 32,
  members: [member("before", U64, 0), member("timer", TIMER, 8), member("after", U64, 24)],
});
const PLAIN = type({ kind: "struct", name: "plain", size: 16, members: [member("a", U64, 0), member("b", INT, 8)] });
const PLAIN_POINTER = type({ kind: "ptr", type: PLAIN });
const INT_POINTER = type({ kind: "ptr", type: INT });
const NONNULL = type({ kind: "ptr", type: PLAIN });

const contexts = [
  "__sk_buff",
  "xdp_md",
  "bpf_sock_addr",
  "bpf_sock",
  "bpf_sockopt",
  "sk_reuseport_md",
  "bpf_sk_lookup",
];
const contextPointers = new Map();
for (const name of contexts) {
  const struct = type({ kind: "struct", name, size: 4, members: [member("x", U32, 0)] });
  contextPointers.set(name, type({ kind: "ptr", type: struct }));
}

const functionTypes = new Map();
function declare(name, linkage, returns, params) {
  const proto = type({
    kind: "func_proto",
    returns,
    params: params.map((param, index) => ({ name: `a${index}`, type: param })),
  });
  functionTypes.set(name, type({ kind: "func", name, type: proto, linkage }));
}
declare("main", "static", INT, [U64]);
declare("sub", "static", INT, [U64, U64, U64]);
declare("callback", "static", INT, [U64, U64, U64, U64]);
declare("global_scalars", "global", INT, [INT, U64, U32]);
declare("global_memory", "global", INT, [PLAIN_POINTER, INT_POINTER, U32]);
declare("global_nonnull", "global", U64, [NONNULL, INT]);
type({ kind: "decl_tag", name: "arg:nonnull", type: functionTypes.get("global_nonnull"), component: 0 });
declare("global_void", "global", 0, [U32]);
for (const [name, pointer] of contextPointers) declare(`global_${name}`, "global", INT, [pointer, INT]);

export const btfBytes = encodeBtf(typeList);
export const btf = parseBtf(btfBytes);
/** Type of a function of the generated programs. */
export const functionType = (name) => functionTypes.get(name);

/** The maps by a name that the grammar uses. `readable` and `writable` bytes: what plain programs do with values. */
export const mapKinds = {
  array: { type: 2, keySize: 4, valueSize: 48, maxEntries: 3 },
  hash: { type: 1, keySize: 4, valueSize: 48, maxEntries: 8 },
  single: { type: 2, keySize: 4, valueSize: 64, maxEntries: 1 },
  constants: { type: 2, keySize: 4, valueSize: 32, maxEntries: 1, flags: RDONLY_PROG, freeze: true },
  writeOnly: { type: 2, keySize: 4, valueSize: 16, maxEntries: 2, flags: WRONLY_PROG },
  percpuArray: { type: 6, keySize: 4, valueSize: 24, maxEntries: 2 },
  percpuHash: { type: 5, keySize: 8, valueSize: 16, maxEntries: 4 },
  lru: { type: 9, keySize: 16, valueSize: 12, maxEntries: 8 },
  lpm: { type: 11, keySize: 8, valueSize: 8, maxEntries: 8, flags: 1 },
  queue: { type: 22, keySize: 0, valueSize: 8, maxEntries: 4 },
  stack: { type: 23, keySize: 0, valueSize: 16, maxEntries: 4 },
  bloom: { type: 30, keySize: 0, valueSize: 8, maxEntries: 16 },
  ring: { type: 27, keySize: 0, valueSize: 0, maxEntries: 4096 },
  programs: { type: 3, keySize: 4, valueSize: 4, maxEntries: 4 },
  events: { type: 4, keySize: 4, valueSize: 4, maxEntries: 2 },
  stacks: { type: 7, keySize: 4, valueSize: 64, maxEntries: 4 },
  groups: { type: 8, keySize: 4, valueSize: 4, maxEntries: 1 },
  devices: { type: 14, keySize: 4, valueSize: 4, maxEntries: 4 },
  cpus: { type: 16, keySize: 4, valueSize: 4, maxEntries: 2 },
  xsks: { type: 17, keySize: 4, valueSize: 4, maxEntries: 2 },
  sockets: { type: 15, keySize: 4, valueSize: 8, maxEntries: 2 },
  socketHash: { type: 18, keySize: 4, valueSize: 8, maxEntries: 2 },
  reuseport: { type: 20, keySize: 4, valueSize: 8, maxEntries: 2 },
  inner: { type: 2, keySize: 4, valueSize: 8, maxEntries: 2 },
  arrayOfMaps: { type: 12, keySize: 4, valueSize: 4, maxEntries: 2, innerMap: "inner" },
  hashOfMaps: { type: 13, keySize: 4, valueSize: 4, maxEntries: 2, innerMap: "inner" },
  locked: { type: 1, keySize: 4, valueSize: 24, maxEntries: 4, keyTypeId: INT, valueTypeId: LOCKED },
  lockedArray: { type: 2, keySize: 4, valueSize: 24, maxEntries: 2, keyTypeId: INT, valueTypeId: LOCKED },
  timed: { type: 2, keySize: 4, valueSize: 32, maxEntries: 2, keyTypeId: INT, valueTypeId: TIMED },
};

/** Number in an instruction's immediate by a map's name; the oracle puts its own in place of them. */
export const mapFd = Object.fromEntries(Object.keys(mapKinds).map((name, index) => [name, 1000 + index]));
const constants = Uint8Array.from({ length: 32 }, (_, index) => (index * 37) & 0xff);

function describe(name) {
  const {
    type: mapType,
    keySize,
    valueSize,
    maxEntries,
    flags = 0,
    innerMap,
    freeze,
    keyTypeId,
    valueTypeId,
  } = mapKinds[name];
  return {
    name: "",
    type: mapType,
    keySize,
    valueSize,
    maxEntries,
    flags,
    ...(innerMap === undefined ? {} : { inner: describe(innerMap) }),
    ...(freeze ? { frozen: true, contents: constants } : {}),
    ...(valueTypeId === undefined ? {} : { btf, keyTypeId, valueTypeId }),
  };
}

/** The maps as our verifier takes them. */
export const verifierMaps = new Map(Object.keys(mapKinds).map((name) => [mapFd[name], describe(name)]));

/** The maps as the oracle takes them. */
export const oracleMaps = Object.entries(mapKinds).map(([name, { innerMap, freeze, ...map }]) => ({
  fd: mapFd[name],
  ...map,
  ...(innerMap === undefined ? {} : { innerFd: mapFd[innerMap] }),
  ...(freeze ? { freeze, contents: [{ key: new Uint8Array(4), value: constants }] } : {}),
}));
