export { type AttachType, attachTypeId, attachTypeName, attachTypes } from "./attach-types.js";
export {
  type ContextAccess,
  type ContextField,
  type ContextLayout,
  type ContextPointer,
  type ContextQuery,
  findContextField,
} from "./context-layout.js";
export { baseHelpers, helperGrants } from "./helper-grants.js";
export type {
  ArgumentKind,
  DynptrKind,
  HelperArgument,
  HelperPrototype,
  HelperReturn,
  ReturnKind,
} from "./helper-prototype.js";
export { helperPrototypes } from "./helpers.js";
export { helperMapRules, mapHelperRules } from "./map-helpers.js";
export { isMapType, type MapType, mapTypeId, mapTypeName, mapTypes } from "./map-types.js";
export type { HelperGrant, HelperMapRule, Kfunc, MapHelperRule, ProgramRules, ReturnRule } from "./program-rules.js";
export { returnRule, rulesOfProgramType } from "./program-type-rules.js";
export { isProgramType, type ProgramType, programTypeId, programTypeName, programTypes } from "./program-types.js";
export { parseSectionName, type SectionMeaning, type SectionName, sectionNames } from "./section-names.js";
export { verdictName } from "./verdicts.js";
