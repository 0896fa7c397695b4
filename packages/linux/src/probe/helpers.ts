import type { ProgramType } from "@tsbpf/core/abi";
import { FileDescriptor, loadProgram } from "../sys/index.js";
import { minimalLoad, needsTarget } from "./program-types.js";

const CALL = 0x85;
const EXIT = 0x95;
const refused = /program of this type cannot use helper|unknown func|invalid func/;

/**
 * Which of the helpers `ids` may programs of this type call? Each is asked with a program that calls it and nothing else:
 * the kernel that has it complains about the arguments, if about anything. Types that need a target have no answer: none.
 *
 * @param interfaceIndex As in `probeProgramType`.
 */
export function probeHelpers(type: ProgramType, ids: Iterable<number>, interfaceIndex = 0): number[] {
  if (needsTarget(type)) return [];
  const insns = Uint8Array.of(CALL, 0, 0, 0, 0, 0, 0, 0, EXIT, 0, 0, 0, 0, 0, 0, 0);
  const load = { ...minimalLoad(type, insns, interfaceIndex), logLevel: 1 };
  const available: number[] = [];
  for (const id of ids) {
    new DataView(insns.buffer).setInt32(4, id, true);
    const { result, log } = loadProgram(load);
    if (result >= 0) new FileDescriptor(result, "probe").close();
    // Without a log the kernel did not get as far as the call.
    if (result >= 0 || (log !== "" && !refused.test(log))) available.push(id);
  }
  return available;
}
