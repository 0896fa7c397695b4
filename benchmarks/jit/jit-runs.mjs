// The workloads in our JIT, in Node or in a browser.
import { Machine } from "@tsbpf/core/machine";
import { XdpContext } from "@tsbpf/core/runtime";
import { load, packetsOf } from "./workloads.mjs";

const LOOPBACK = 1;

/** Nanoseconds that `repeat(packet, times)` takes for a run, over all packets. */
function timeRuns(now, packets, runs, repeat) {
  const each = Math.max(1, Math.round(runs / packets.length));
  const start = now();
  for (const packet of packets) repeat(packet, each);
  return (now() - start) / (each * packets.length);
}

/**
 * Our JIT: a run of many in WebAssembly (`batch`), and a call from JavaScript a run (`call`), of one loaded program.
 *
 * @param now a clock, in nanoseconds
 */
export async function loadJit(workload, now) {
  const host = new Machine({ cpus: 1 });
  const { program, drain } = await load(workload, host);
  const { runtime } = host;
  if (program.image.checked !== false) throw new Error(`${workload.name} runs with checks`);
  const packets = packetsOf(workload);
  const context = new XdpContext(runtime);
  const check = (retval) => {
    if (retval !== (workload.verdict ?? 2)) throw new Error(`${workload.name} returned ${retval}`);
  };
  const call = (runs) => {
    const ns = timeRuns(now, packets, runs, (packet, times) => {
      context.load(packet);
      context.setReceiver(LOOPBACK, 0);
      for (let time = 0; time < times; time++) runtime.execute(program.image, context);
    });
    check(runtime.r0);
    drain();
    return ns;
  };
  const batch = (runs) => {
    const ns = timeRuns(now, packets, runs, (data, repeat) => check(program.testRun({ data, repeat }).retval));
    drain();
    return ns;
  };
  return { call, batch, close: () => host.close() };
}
