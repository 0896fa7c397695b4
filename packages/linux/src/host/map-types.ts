import { type Btf, parseBtf, type TypeId } from "@tsbpf/core/btf";
import { btfFdById, FileDescriptor, mapInfo } from "../sys/index.js";
import { readBtf } from "./attach-target.js";

/** What the kernel knows of the types of a map's keys and values; ids are 0 where it knows nothing. */
export interface MapTypes {
  readonly btf: Btf | undefined;
  readonly keyTypeId: TypeId;
  readonly valueTypeId: TypeId;
}

/** The types of a map that somebody else may have made. */
export function mapTypes(mapFd: number): MapTypes {
  const { btfId, keyTypeId, valueTypeId } = mapInfo(mapFd);
  if (btfId === 0) return { btf: undefined, keyTypeId: 0, valueTypeId: 0 };
  using btf = new FileDescriptor(btfFdById(btfId), `BTF ${btfId}`);
  return { btf: parseBtf(readBtf(btf.number)), keyTypeId, valueTypeId };
}
