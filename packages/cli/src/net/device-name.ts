import { networkInterfaceName } from "@tsbpf/linux";

/** A device's name in this network namespace; `"(unknown)"` where it has none. */
export function deviceName(index: number): string {
  return networkInterfaceName(index) ?? "(unknown)";
}
