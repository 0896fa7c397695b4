import { hasFeature } from "./features.js";

/**
 * A name as the kernel takes it: 15 bytes of letters, digits, `_` and `.`; whatever else is there becomes `_`. Undefined
 * for a kernel that takes none.
 */
export function kernelName(name: string): string | undefined {
  if (!hasFeature("names")) return undefined;
  return name.replace(/[^A-Za-z0-9_.]/g, "_").slice(0, 15);
}
