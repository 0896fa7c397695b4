import {
  type BuiltWithout,
  builtWithout,
  type KernelConfig,
  kernelTarget,
  MISSING_KFUNC_CALL,
  mapTypeId,
  untypedMaps,
} from "../abi/index.js";
import { BpfError } from "../base/index.js";
import type { Btf, TypeId } from "../btf/index.js";
import {
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  ReferencePatch,
} from "../isa/index.js";
import type { MapSpec, ObjectSpec, ProgramSpec, Reference } from "../spec/index.js";
import type { VerifierInput, VerifierMap } from "./input.js";
import { layOutSections } from "./section-layout.js";

/**
 * A program of an object as the verifier takes it: maps get descriptors from 1 on, kernel functions and variables the ids
 * that `kernelTypes` gives them. CO-RE relocations have to be applied before (`applyCoreRelocations` of the object room).
 * Kernel functions that a kernel of `config` is built without are missing, whether `kernelTypes` has them or not.
 *
 * @throws BpfError `"NO_SUCH_SYMBOL"` and `"NO_ATTACH_TARGET"` for names that `kernelTypes` doesn't have, `"REFERENCE"`
 * for references of what is neither a lddw nor a call.
 */
export function verifierInput(
  object: ObjectSpec,
  program: ProgramSpec,
  kernelTypes: Btf | undefined,
  config?: KernelConfig,
): VerifierInput {
  const btf = layOutSections(object);
  const names = [...object.maps.keys()];
  const descriptor = (map: string) => names.indexOf(map) + 1;
  return {
    insns: resolve(program, descriptor, kernelTypes, config && builtWithout(config)),
    type: program.type,
    attachType: program.attachType,
    flags: program.flags,
    license: program.license,
    maps: new Map([...object.maps.values()].map((map, index) => [index + 1, verifierMap(map, btf)])),
    btf,
    // The kernel takes records for all of a program's functions, or none.
    functions: program.functions.every(({ typeId }) => typeId !== 0) ? program.functions : [],
    lines: program.lines,
    ...attachTarget(program, kernelTypes),
    kernelTypes,
  };
}

/** Where the kernel's text starts when its place isn't random. */
const TEXT_LOW = 0x8100_0000 | 0;
const TEXT_HIGH = -1;

function verifierMap(map: MapSpec, btf: Btf | undefined): VerifierMap {
  return {
    name: map.name,
    type: mapTypeId(map.type),
    keySize: map.keySize,
    valueSize: map.valueSize,
    maxEntries: map.maxEntries,
    flags: map.flags,
    ...(untypedMaps.has(map.type) ? {} : { btf, keyTypeId: map.keyTypeId, valueTypeId: map.valueTypeId }),
    inner: map.inner && verifierMap(map.inner, btf),
    frozen: map.freeze,
    contents: contentsOf(map),
    dataSection: map.dataSection !== undefined,
  };
}

/** The value of a map that loaders fill and freeze before they load programs: zeros, where the object says nothing else. */
function contentsOf({ contents, dataSection, freeze, maxEntries, type, valueSize }: MapSpec): Uint8Array | undefined {
  const [only] = contents;
  if (dataSection !== undefined) return only?.value instanceof Uint8Array ? only.value : undefined;
  if (!freeze || type !== "array" || maxEntries !== 1 || contents.length > 1) return undefined;
  if (only === undefined) return new Uint8Array(valueSize);
  return only.value instanceof Uint8Array ? only.value : undefined;
}

function resolve(
  program: ProgramSpec,
  descriptor: (map: string) => number,
  kernelTypes: Btf | undefined,
  without: BuiltWithout | undefined,
): Uint8Array {
  const code = new ReferencePatch(program.insns);
  for (const reference of program.references) {
    switch (reference.kind) {
      case "map":
        code.load(reference.slot, BPF_PSEUDO_MAP_FD, descriptor(reference.map), 0);
        break;
      case "map_value":
        code.load(reference.slot, BPF_PSEUDO_MAP_VALUE, descriptor(reference.map), reference.offset);
        break;
      case "ksym": {
        const id = kernelId(kernelTypes, reference, ["var", "func"]);
        // A symbol without a type is a plain number to the verifier: an address, whichever it is.
        if (id === undefined)
          code.load(reference.slot, 0, reference.weak ? 0 : TEXT_LOW, reference.weak ? 0 : TEXT_HIGH);
        else code.load(reference.slot, BPF_PSEUDO_BTF_ID, id, 0);
        break;
      }
      case "kfunc": {
        const types = without?.kfunc(reference.name) === undefined ? kernelTypes : undefined;
        const id = kernelId(types, reference, ["func"]);
        if (id === undefined) code.call(reference.slot, 0, MISSING_KFUNC_CALL);
        else code.call(reference.slot, BPF_PSEUDO_KFUNC_CALL, id);
        break;
      }
    }
  }
  return code.bytes;
}

type KernelReference = Extract<Reference, { kind: "ksym" | "kfunc" }>;

function kernelId(
  kernelTypes: Btf | undefined,
  reference: KernelReference,
  kinds: ("var" | "func")[],
): TypeId | undefined {
  if (reference.kind === "ksym" && reference.typeId === 0) return undefined;
  for (const kind of kinds) {
    const [id] = kernelTypes?.find(reference.name, kind) ?? [];
    if (id !== undefined) return id;
  }
  if (reference.weak) return undefined;
  throw new BpfError("NO_SUCH_SYMBOL", `the kernel's types do not have ${reference.name}`, { name: reference.name });
}

function attachTarget(
  program: ProgramSpec,
  kernelTypes: Btf | undefined,
): Pick<VerifierInput, "attachBtfId" | "structOpsMember"> {
  if (program.type === "struct_ops") return structOpsMember(program, kernelTypes);
  const target = program.attachTo?.slice(program.attachTo.indexOf(":") + 1);
  const wanted = target === undefined ? undefined : kernelTarget(program.attachType, target);
  if (wanted === undefined || kernelTypes === undefined) return {};
  const [id] = kernelTypes.find(wanted.name, wanted.kind);
  if (id === undefined) {
    throw new BpfError("NO_ATTACH_TARGET", `the kernel's types have no ${wanted.kind} ${wanted.name}`, { target });
  }
  return { attachBtfId: id };
}

function structOpsMember(
  program: ProgramSpec,
  kernelTypes: Btf | undefined,
): Pick<VerifierInput, "attachBtfId" | "structOpsMember"> {
  const [name = "", member = ""] = (program.attachTo ?? "").split("/");
  const [id] = kernelTypes?.find(name, "struct") ?? [];
  const struct = id === undefined ? undefined : kernelTypes?.type(id);
  if (id === undefined || struct?.kind !== "struct") return {};
  const index = struct.members.findIndex((each) => each.name === member);
  return index < 0 ? {} : { attachBtfId: id, structOpsMember: index };
}
