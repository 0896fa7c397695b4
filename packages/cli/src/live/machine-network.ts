import type { XdpMode } from "@tsbpf/core/host";
import type { Device } from "@tsbpf/core/machine";
import type { LiveDevice, LiveFilter, LiveNetwork, LiveProgram, XdpPlacement } from "./live-host.js";
import type { MachineAttachments } from "./machine-attachments.js";

const modes: Readonly<Record<XdpPlacement, XdpMode | undefined>> = {
  xdp: undefined,
  xdpgeneric: "generic",
  xdpdrv: "native",
  xdpoffload: "offload",
};
/** What bpftool calls them. */
const modeNames: Readonly<Record<XdpMode, string>> = { native: "driver", generic: "generic", offload: "offload" };

interface NamedDevice extends LiveDevice {
  readonly device: Device;
}

/** A Machine's network: the devices of all its namespaces. */
export class MachineNetwork implements LiveNetwork {
  readonly #attachments: MachineAttachments;

  constructor(attachments: MachineAttachments) {
    this.#attachments = attachments;
  }

  devices(): NamedDevice[] {
    return this.#attachments.devices().map(([name, device]) => ({ name, index: device.index, device }));
  }

  xdp(named: LiveDevice): { readonly mode: string; readonly programId: number }[] {
    const { xdp } = (named as NamedDevice).device;
    return xdp === undefined ? [] : [{ mode: modeNames[xdp.mode], programId: xdp.program.id }];
  }

  filters(named: LiveDevice): LiveFilter[] {
    const { device } = named as NamedDevice;
    const directions = ["ingress", "egress"] as const;
    const tcx = directions.flatMap((direction) =>
      device[direction].tcx.map(({ program, link }) => ({
        kind: `tcx/${direction}`,
        name: program.name,
        programId: program.id,
        linkId: link.id,
      })),
    );
    const filters = directions.flatMap((direction) =>
      device[direction].filters.map(({ program }) => {
        return { kind: `clsact/${direction}`, name: program.name, programId: program.id };
      }),
    );
    return [...tcx, ...filters];
  }

  dissectors(): number[] {
    return [];
  }

  attachXdp(program: LiveProgram, device: string, placement: XdpPlacement, overwrite: boolean): void {
    this.#attachments.setXdp(program.program, device, modes[placement], overwrite);
  }

  detachXdp(device: string): void {
    this.#attachments.clearXdp(device);
  }

  replay(capture: Uint8Array, name: string): number {
    return this.#attachments.captureDevice(name).replay(capture);
  }
}
