export type { Btf } from "./btf.js";
export { type ParseBtfOptions, parseBtf } from "./parse.js";
export { essentialName } from "./strings.js";
export {
  type BtfArray,
  type BtfComposite,
  type BtfDatasec,
  type BtfDeclTag,
  type BtfEnum,
  type BtfFloat,
  type BtfFunc,
  type BtfFuncProto,
  type BtfFwd,
  type BtfInt,
  type BtfKind,
  type BtfMember,
  type BtfModifier,
  type BtfPtr,
  type BtfType,
  type BtfTypeTag,
  type BtfVar,
  type BtfVoid,
  btfKinds,
  type TypeId,
} from "./types.js";
