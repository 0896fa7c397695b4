import { mapTypes, programTypes } from "@tsbpf/core/abi";
import {
  kernelProblem,
  networkDevices,
  probeHelpers,
  probeInstructions,
  probeMapType,
  probeProgramType,
  readKernelConfig,
  readSetting,
} from "@tsbpf/linux";
import { CommandError } from "../command-error.js";
import type { Prober } from "./prober.js";
import { systemSettings } from "./settings.js";

/** The running kernel, or what it would offload to the device with this name. */
export function kernelProber(device: string | undefined, unprivileged: boolean): Prober {
  const problem = unprivileged ? undefined : kernelProblem();
  if (problem !== undefined) {
    throw new CommandError(`the kernel's BPF cannot be probed here: ${problem}`, {
      hint: "'feature probe unprivileged' needs no rights, 'feature probe machine' no kernel",
    });
  }
  const index = device === undefined ? 0 : indexOf(device);
  return {
    // What can be offloaded at all.
    programTypes: device === undefined ? programTypes.map(({ name }) => name) : ["sched_cls", "xdp"],
    mapTypes: device === undefined ? mapTypes.map(({ name }) => name) : ["hash", "array"],
    settings: device === undefined ? systemSettings(readSetting, readKernelConfig()) : undefined,
    systemCall: true,
    takesPrograms: (type) => probeProgramType(type, index),
    takesMaps: (type) => probeMapType(type, index),
    helpers: (type, ids) => probeHelpers(type, ids, index),
    takesInstructions: (feature) => probeInstructions(feature, index),
  };
}

function indexOf(device: string): number {
  const index = networkDevices().find(({ name }) => name === device)?.index;
  if (index === undefined) throw new CommandError(`there is no network device '${device}' here`);
  return index;
}
