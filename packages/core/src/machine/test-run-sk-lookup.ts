import { AF_INET, AF_INET6, EAFNOSUPPORT, EOPNOTSUPP, ERANGE } from "../abi/index.js";
import type { TestRunOptions, TestRunResult } from "../host/index.js";
import { type Environment, SkLookupContext } from "../runtime/index.js";
import type { MachineProgram } from "./machine-program.js";
import { Socket } from "./network/index.js";
import { readContext, refuse, repeatRun, type TestRunner } from "./test-run.js";

/** Offsets in `struct bpf_sk_lookup`; IPv6 addresses follow the IPv4 ones. */
const field = {
  cookie: 0,
  family: 8,
  protocol: 12,
  remote: 16,
  remotePort: 36,
  local: 40,
  localPort: 60,
  end: 64,
} as const;
const SIZE = 72;
const SK_PASS = 1;
const U16_MAX = 0xffff;

/** Test runs of sk_lookup programs: the search is the context, and the cookie of the chosen socket comes back in it. */
export class SkLookupTestRunner implements TestRunner {
  readonly types = ["sk_lookup"] as const;
  readonly #environment: Environment;
  #context: SkLookupContext | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  run(program: MachineProgram, options: TestRunOptions): TestRunResult {
    if ((options.flags ?? 0) !== 0 || (options.cpu ?? 0) !== 0) refuse("unknown flags or a CPU");
    if (options.data !== undefined) refuse("programs of this type have no packet");
    const given = readContext(options, SIZE);
    if (given === undefined) return refuse("a search has to be given");
    const context = this.#load(given);
    let [duration, retval] = [0, 0];
    const times = Math.max(1, options.repeat ?? 1);
    for (let time = 0; time < times; time++) {
      context.choose(undefined);
      duration += repeatRun(this.#environment, program, context, 1);
      retval = this.#environment.runtime.r0 === SK_PASS ? SK_PASS : 0;
    }
    const { chosen } = context;
    if (chosen instanceof Socket && chosen.reusePort && !context.skipsReuseport)
      refuse("the socket shares its port", EOPNOTSUPP);
    new DataView(given.buffer).setBigUint64(field.cookie, chosen?.cookie ?? 0n, true);
    return { retval, data: new Uint8Array(0), context: given, duration: Math.round(duration / times) };
  }

  close(): void {
    this.#context?.close();
  }

  #load(given: Uint8Array): SkLookupContext {
    const view = new DataView(given.buffer);
    if (view.getBigUint64(field.cookie, true) !== 0n || given.subarray(field.end).some((byte) => byte !== 0))
      refuse("the socket and the device are not settable");
    if (view.getUint32(field.localPort, true) > U16_MAX) refuse("there is no such port", ERANGE);
    const family = view.getUint16(field.family, true);
    if (family !== AF_INET && family !== AF_INET6) refuse(`unknown family ${family}`, EAFNOSUPPORT);
    const address = (at: number) => (family === AF_INET ? given.slice(at, at + 4) : given.slice(at + 4, at + 20));
    const protocol = view.getUint16(field.protocol, true);
    const { runtime, sockets } = this.#environment;
    this.#context ??= new SkLookupContext(runtime, sockets);
    this.#context.load({
      protocol: protocol === 6 ? "tcp" : "udp",
      source: address(field.remote),
      sourcePort: view.getUint16(field.remotePort, false),
      destination: address(field.local),
      destinationPort: view.getUint16(field.localPort, true),
      device: 0,
    });
    runtime.memory.u32[(this.#context.address + field.protocol) >>> 2] = protocol;
    return this.#context;
  }
}
