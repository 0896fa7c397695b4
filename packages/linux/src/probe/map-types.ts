import { type MapType, mapTypeId, minimalMap } from "@tsbpf/core/abi";
import { type BtfType, encodeBtf } from "@tsbpf/core/btf";
import { createMap, ENOTSUPP, FileDescriptor, loadBtf, type MapCreate } from "../sys/index.js";

const int: BtfType = { kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 };

/** Does the running kernel create maps of this type? `interfaceIndex` as in `probeProgramType`. */
export function probeMapType(type: MapType, interfaceIndex = 0): boolean {
  const { typed, ...sizes } = minimalMap(type);
  const map: MapCreate = { type: mapTypeId(type), ...sizes, interfaceIndex };
  if (type === "array_of_maps" || type === "hash_of_maps") return withInner(map);
  if (typed) return withTypes(map);
  // Without the type of an interface: a kernel that has such maps says that there is none of that number.
  if (type === "struct_ops") return creates({ ...map, vmlinuxValueTypeId: 1 }, ENOTSUPP);
  return creates(map);
}

/** @param errno One that a kernel with such maps may fail with, too. */
function creates(map: MapCreate, errno?: number): boolean {
  try {
    new FileDescriptor(createMap(map), "probe").close();
    return true;
  } catch (error) {
    return errno !== undefined && (error as { errno?: number }).errno === errno;
  }
}

function withInner(map: MapCreate): boolean {
  try {
    const inner = createMap({ type: mapTypeId("hash"), keySize: 4, valueSize: 4, maxEntries: 1 });
    using fd = new FileDescriptor(inner, "probe");
    return creates({ ...map, innerMapFd: fd.number });
  } catch {
    return false;
  }
}

function withTypes(map: MapCreate): boolean {
  const { result } = loadBtf(encodeBtf([int]));
  if (result < 0) return false;
  using types = new FileDescriptor(result, "probe");
  return creates({ ...map, btfFd: types.number, keyTypeId: 1, valueTypeId: 1 });
}
