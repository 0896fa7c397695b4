import {
  flowDissectors,
  type NetworkDevice,
  networkDevices,
  queryTcx,
  setXdpProgram,
  trafficFilters,
  xdpFlags,
} from "@tsbpf/linux";
import type { LiveDevice, LiveFilter, LiveHost, LiveNetwork, LiveProgram, XdpPlacement } from "../live/live-host.js";

const modes: Readonly<Record<XdpPlacement, number>> = {
  xdp: 0,
  xdpgeneric: xdpFlags.generic,
  xdpdrv: xdpFlags.native,
  xdpoffload: xdpFlags.offload,
};

/** The network namespace that this process is in. */
export class KernelNetwork implements LiveNetwork {
  readonly #host: LiveHost;

  constructor(host: LiveHost) {
    this.#host = host;
  }

  devices(): NetworkDevice[] {
    return networkDevices().sort((a, b) => a.index - b.index);
  }

  xdp(device: LiveDevice): { readonly mode: string; readonly programId: number }[] {
    return [...(device as NetworkDevice).xdp];
  }

  /** tcx first, which bpftool knows since 7.3 and lists before the filters. */
  filters({ index }: LiveDevice): LiveFilter[] {
    const tcx = (["ingress", "egress"] as const).flatMap((direction) => {
      const { programIds, linkIds } = queryTcx(index, direction);
      return programIds.map((programId, i) => {
        return {
          kind: `tcx/${direction}`,
          name: this.#programName(programId),
          programId,
          linkId: linkIds[i] || undefined,
        };
      });
    });
    return [...tcx, ...trafficFilters(index)];
  }

  dissectors(): number[] {
    return [...flowDissectors()];
  }

  attachXdp(program: LiveProgram, device: string, placement: XdpPlacement, overwrite: boolean): void {
    setXdpProgram(device, program.fd, modes[placement] | (overwrite ? 0 : xdpFlags.onlyIfNone));
  }

  detachXdp(device: string, placement: XdpPlacement): void {
    setXdpProgram(device, -1, modes[placement]);
  }

  #programName(id: number): string {
    const program = this.#host.find("program", id);
    const name = program?.details().name ?? "";
    program?.close();
    return name;
  }
}
