export { type AttachType, attachTypeId, attachTypeName, attachTypes } from "./attach-types.js";
export { isMapType, type MapType, mapTypeId, mapTypeName, mapTypes } from "./map-types.js";
export { isProgramType, type ProgramType, programTypeId, programTypeName, programTypes } from "./program-types.js";
