export { parseAddress } from "../base/index.js";
export type { Btf } from "./btf.js";
export { type BtfProblem, checkBtf } from "./check.js";
export { decodeValue, type ValueDecoder, valueDecoder } from "./decode-value.js";
export { type BtfFeatures, downgradeType } from "./downgrade.js";
export { BtfBuilder, BtfStrings, type EncodeBtfOptions, encodeBtf } from "./encode.js";
export { encodeValue, type ValueEncoder, valueEncoder } from "./encode-value.js";
export {
  type BtfExt,
  type CoreRelocationInfo,
  encodeBtfExt,
  type FuncInfo,
  type LineInfo,
  packPosition,
  parseBtfExt,
} from "./ext.js";
export {
  type FormattedValue,
  type FormatValueOptions,
  formatBytes,
  formatValue,
  stringifyFormatted,
} from "./format-value.js";
export {
  type DatasecVariable,
  datasecVariables,
  findMember,
  functionPrototype,
  isModifier,
  type MemberAt,
  type MemberPlace,
  memberAtBit,
  memberBits,
  ownTypes,
  resolve,
  skipQualifiers,
} from "./graph.js";
export { dedupBtf, type MergedBtf, mergeBtf } from "./merge.js";
export { type ParseBtfOptions, parseBtf } from "./parse.js";
export { type PrintCOptions, printC, printDeclaration } from "./print-c.js";
export { printRaw } from "./print-raw.js";
export { printTypeScript, TypeScriptPrinter } from "./print-typescript.js";
export { essentialName } from "./strings.js";
export { mapTypeIds, typeIdsOf } from "./type-ids.js";
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
export type { BtfValue } from "./value.js";
export { valueWriter } from "./value-writer.js";
