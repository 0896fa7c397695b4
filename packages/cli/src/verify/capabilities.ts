import {
  type Capability,
  capabilities,
  capabilitiesToLoad,
  hasCapability,
  isCapability,
  type ProgramType,
} from "@tsbpf/core/abi";
import { UsageError } from "../command-error.js";

/**
 * What `--capabilities` names, as `bpf,net_admin` or `CAP_BPF,CAP_NET_ADMIN`; `none` are none.
 *
 * @throws UsageError naming those that bpf(2) asks for.
 */
export function parseCapabilities(text: string): readonly Capability[] {
  if (text === "none") return [];
  return text.split(",").map((word) => {
    const name = word.trim().toLowerCase().replace(/^cap_/, "");
    if (isCapability(name)) return name;
    throw new UsageError(`'${word}' is no capability that bpf(2) asks for: ${capabilities.join(", ")}, none`);
  });
}

/** What keeps a loader with the capabilities `held` from loading a program of the type at all, for people. */
export function missingToLoad(type: ProgramType, held: readonly Capability[]): string | undefined {
  const missing = capabilitiesToLoad(type).filter((wanted) => !hasCapability(held, wanted));
  if (missing.length === 0) return undefined;
  return `${type} programs take ${missing.map((name) => `CAP_${name.toUpperCase()}`).join(" and ")}`;
}
