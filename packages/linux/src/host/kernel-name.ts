import { kernelObjectName } from "@tsbpf/core/abi";
import { hasFeature } from "./features.js";

/** A name as the kernel takes it; undefined for a kernel that takes none. */
export function kernelName(name: string): string | undefined {
  return hasFeature("names") ? kernelObjectName(name) : undefined;
}
