import type { ObjectSpec, ProgramSpec } from "@tsbpf/core/spec";
import { requireKernel } from "../kernel.js";
import { ETHERNET_HEADER } from "./capture-input.js";
import type { PacketOutcome, PacketRunner } from "./packet-runner.js";
import { programsNeeded } from "./programs-needed.js";

/**
 * Runs packets through the running kernel's BPF_PROG_TEST_RUN, in a network namespace of its own: a program that clones
 * packets sends real frames even in a test run.
 */
export async function createKernelRunner(spec: ObjectSpec, chosen: ProgramSpec): Promise<PacketRunner> {
  const { Linux, NetworkNamespace } = await requireKernel();
  const own = NetworkNamespace.create();
  const host = await Linux.open();
  const object = await host.load(spec, { programs: programsNeeded(spec, chosen), pinRoot: null });
  const program = object.program(chosen.name);
  let nanoseconds = 0;
  let after: Uint8Array = new Uint8Array(0);
  const outcome = { retval: 0, skipped: false, target: undefined, fault: undefined, packet: () => after };
  return {
    object,
    get nanoseconds() {
      return nanoseconds;
    },
    run(packet): PacketOutcome {
      outcome.skipped = packet.length < ETHERNET_HEADER;
      if (outcome.skipped) return outcome;
      const { retval, data, duration } = own.run(() => program.testRun({ data: packet.data }));
      outcome.retval = retval;
      after = data;
      nanoseconds += duration;
      return outcome;
    },
    close() {
      object.close();
      host.close();
      own.close();
    },
  };
}
