export { probeHelpers } from "./helpers.js";
export { probeInstructions } from "./instructions.js";
export { probeMapType } from "./map-types.js";
export { probeProgramType } from "./program-types.js";
