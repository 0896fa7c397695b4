import type { LiveHost, LiveNetwork } from "../live/live-host.js";

/** A host's network stack. */
export async function networkOf(host: LiveHost): Promise<LiveNetwork> {
  if (host.network !== undefined) return host.network;
  const { KernelNetwork } = await import("./kernel-network.js");
  return new KernelNetwork(host);
}
