import { type BuiltWithout, builtWithout, EINVAL, mapTypeName } from "../abi/index.js";
import type { Analysis } from "./analysis.js";
import type { VerifierMap } from "./input.js";

/** What the kernel of the options' configuration lacks, where they have one. */
export function missingFeatures({ options }: Analysis): BuiltWithout | undefined {
  return options.kernelConfig && builtWithout(options.kernelConfig);
}

/** Refuses program and map types that the kernel is built without; it does so without a word, the message is ours. */
export function checkBuiltTypes(analysis: Analysis): void {
  const missing = missingFeatures(analysis);
  if (missing === undefined) return;
  for (const map of analysis.input.maps.values()) checkMap(analysis, missing, map);
  refuse(analysis, `program type ${analysis.type}`, missing.programType(analysis.type));
}

function checkMap(analysis: Analysis, missing: BuiltWithout, map: VerifierMap): void {
  const type = mapTypeName(map.type);
  if (type !== undefined) refuse(analysis, `map type ${type} of map '${map.name}'`, missing.mapType(type));
  if (map.inner !== undefined) checkMap(analysis, missing, map.inner);
}

function refuse(analysis: Analysis, what: string, option: string | undefined): void {
  if (option !== undefined) analysis.reject("kernel_config", EINVAL, `${what}: the kernel is built without ${option}`);
}
