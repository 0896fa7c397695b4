import { kernelVersions } from "@tsbpf/core/abi";
import { UsageError } from "../command-error.js";

/** @throws UsageError naming the versions that `--kernel` knows. */
export function checkKernelVersion(version: string): void {
  if (kernelVersions.some((known) => known === version)) return;
  throw new UsageError(`--kernel ${version}: known are ${kernelVersions.join(", ")}`);
}
