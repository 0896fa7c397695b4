import { BPF_F_MMAPABLE } from "@tsbpf/core/abi";
import { SyscallError } from "@tsbpf/core/base";
import { type BtfType, encodeBtf } from "@tsbpf/core/btf";
import { createMap, errnos, FileDescriptor, loadBtf, loadProgram } from "../sys/index.js";

const SOCKET_FILTER = 1;
const XDP = 6;
const ARRAY = 2;

// r0 = 0; exit
const returnZero = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

const int: BtfType = { kind: "int", name: "int", size: 4, encoding: "signed", bitOffset: 0, bits: 32 };

/** What a kernel may lack, each with the first that has it and a trial. Trials leave nothing behind. */
const probes = {
  /** Names of programs and maps. Since 4.15. */
  names: () => succeeds(loadProgram({ type: SOCKET_FILTER, insns: returnZero, license: "GPL", name: "probe" }).result),
  /** `expected_attach_type`. Since 4.17. */
  expectedAttachType: () =>
    succeeds(loadProgram({ type: XDP, insns: returnZero, license: "GPL", expectedAttachType: 37 }).result),
  /** Map values of programs' global data (BPF_PSEUDO_MAP_VALUE). Since 5.2. */
  globalData: hasGlobalData,
  /** Arrays that can be mapped into a process. Since 5.5. */
  mmapableArrays: () => makesMap({ type: ARRAY, keySize: 4, valueSize: 4, maxEntries: 1, flags: BPF_F_MMAPABLE }),
  /** BTF at all. Since 4.18. */
  btf: () => takesTypes([int]),
  /** Since 5.0. */
  btfFunctions: () => takesTypes([int, functionType, { kind: "func", name: "f", type: 2, linkage: "static" }]),
  /** Functions that are checked by themselves. Since 5.6. */
  btfGlobalFunctions: () => takesTypes([int, functionType, { kind: "func", name: "f", type: 2, linkage: "global" }]),
  /** Since 5.2. */
  btfDatasec: () =>
    takesTypes([
      int,
      { kind: "var", name: "v", type: 1, linkage: "global" },
      { kind: "datasec", name: ".data", size: 4, variables: [{ type: 2, offset: 0, size: 4 }] },
    ]),
  /** Since 5.13. */
  btfFloat: () => takesTypes([{ kind: "float", name: "float", size: 4 }]),
  /** Since 5.16. */
  btfDeclTags: () =>
    takesTypes([
      int,
      { kind: "var", name: "v", type: 1, linkage: "global" },
      { kind: "decl_tag", name: "tag", type: 2, component: -1 },
    ]),
  /** Since 5.17. */
  btfTypeTags: () => takesTypes([int, { kind: "type_tag", name: "tag", type: 1 }, { kind: "ptr", type: 2 }]),
  /** Tags that are whole attributes. Since 6.14. */
  btfAttributes: () =>
    takesTypes([int, { kind: "type_tag", name: "tag", type: 1, attribute: true }, { kind: "ptr", type: 2 }]),
  /** Since 6.0. */
  btfEnum64: () =>
    takesTypes([{ kind: "enum64", name: "e", size: 8, signed: false, values: [{ name: "E", value: 1n << 40n }] }]),
};

const functionType: BtfType = { kind: "func_proto", returns: 0, params: [{ name: "a", type: 1 }] };

export type Feature = keyof typeof probes;

const known = new Map<Feature, boolean>();

/**
 * Does the running kernel have `feature`? Tried once for the process; where the caller isn't allowed to try, the kernel is
 * taken for one that has it.
 */
export function hasFeature(feature: Feature): boolean {
  const has = known.get(feature) ?? probes[feature]();
  if (has === undefined) return true;
  known.set(feature, has);
  return has;
}

/** Undefined for a trial that wasn't allowed: that says nothing about the kernel. */
function succeeds(result: number): boolean | undefined {
  if (result === -errnos.EPERM) return undefined;
  if (result < 0) return false;
  new FileDescriptor(result, "probe").close();
  return true;
}

function takesTypes(types: readonly BtfType[]): boolean | undefined {
  return succeeds(loadBtf(encodeBtf(types)).result);
}

function makesMap(map: Parameters<typeof createMap>[0]): boolean | undefined {
  try {
    return succeeds(createMap(map));
  } catch (error) {
    return error instanceof SyscallError && error.errno === errnos.EPERM ? undefined : false;
  }
}

function hasGlobalData(): boolean | undefined {
  using map = new FileDescriptor(createMap({ type: ARRAY, keySize: 4, valueSize: 16, maxEntries: 1 }), "probe");
  // r1 = map value at 0 (lddw with BPF_PSEUDO_MAP_VALUE); r0 = 0; exit
  const insns = Uint8Array.of(0x18, 0x21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...returnZero);
  new DataView(insns.buffer).setInt32(4, map.number, true);
  return succeeds(loadProgram({ type: SOCKET_FILTER, insns, license: "GPL" }).result);
}
