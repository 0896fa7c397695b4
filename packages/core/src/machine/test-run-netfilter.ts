import { EPROTO, ETH_P_IP, ETH_P_IPV6 } from "../abi/index.js";
import type { TestRunOptions, TestRunResult } from "../host/index.js";
import { type Environment, NetfilterContext } from "../runtime/index.js";
import type { MachineProgram } from "./machine-program.js";
import { SKB_FRAME_MAX } from "./packet-hook.js";
import { readContext, refuse, repeatRun, type TestRunner } from "./test-run.js";

/** `struct nf_hook_state`: hook and protocol family as bytes, then pointers that nobody may give. */
const state = { hook: 0, family: 1, pointers: 8, size: 48 } as const;
const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;
const NF_INET_LOCAL_OUT = 3;
const ETH_HLEN = 14;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

/** Test runs of netfilter programs: of packets that the machine sends, or with a context, at another hook. */
export class NetfilterTestRunner implements TestRunner {
  readonly types = ["netfilter"] as const;
  readonly #environment: Environment;
  #context: NetfilterContext | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  run(program: MachineProgram, options: TestRunOptions): TestRunResult {
    if ((options.flags ?? 0) !== 0 || (options.cpu ?? 0) !== 0) refuse("unknown flags or a CPU");
    const data = options.data ?? new Uint8Array(0);
    if (data.length < IPV4_HEADER || data.length > SKB_FRAME_MAX) refuse(`a packet has 20 to ${SKB_FRAME_MAX} bytes`);
    const given = readContext(options, state.size);
    const [hook, family] = given === undefined ? [NF_INET_LOCAL_OUT, NFPROTO_IPV4] : hookOf(given);
    const sent = hook === NF_INET_LOCAL_OUT;
    if (!sent) checkFrame(data, family);
    return this.#runAt(program, options, { data, hook, family, sent });
  }

  close(): void {
    this.#context?.close();
  }

  #runAt(
    program: MachineProgram,
    options: TestRunOptions,
    at: { readonly data: Uint8Array; readonly hook: number; readonly family: number; readonly sent: boolean },
  ): TestRunResult {
    const header = new Uint8Array(ETH_HLEN);
    new DataView(header.buffer).setUint16(12, at.family === NFPROTO_IPV4 ? ETH_P_IP : ETH_P_IPV6, false);
    // What is sent begins with its network header; the Ethernet header is only there for whoever loads the packet.
    const frame = at.sent ? Uint8Array.of(...header, ...at.data) : at.data;
    const { runtime, kernel } = this.#environment;
    this.#context ??= new NetfilterContext(runtime, kernel);
    this.#context.load(frame, { hook: at.hook, family: at.family }, { mark: 0, priority: 0 });
    const duration = repeatRun(this.#environment, program, this.#context, options.repeat ?? 1);
    return { retval: runtime.r0, data: new Uint8Array(0), context: new Uint8Array(0), duration };
  }
}

function hookOf(given: Uint8Array): [hook: number, family: number] {
  if (given.subarray(state.pointers).some((byte) => byte !== 0)) refuse("devices and sockets are not settable");
  const family = given[state.family]!;
  if (family !== NFPROTO_IPV4 && family !== NFPROTO_IPV6) refuse(`unknown family ${family}`);
  return [given[state.hook]!, family];
}

/** What is not sent begins with its Ethernet header, of the hook's family. */
function checkFrame(data: Uint8Array, family: number): void {
  if (data.length < ETH_HLEN + IPV4_HEADER) refuse("the frame ends within its IP header");
  const type = (data[12]! << 8) | data[13]!;
  if (type !== ETH_P_IP && type !== ETH_P_IPV6) refuse("the frame is not of IP", EPROTO);
  if (type === ETH_P_IPV6 && data.length < ETH_HLEN + IPV6_HEADER) refuse("the frame ends within its IP header");
  if ((type === ETH_P_IP) !== (family === NFPROTO_IPV4)) refuse("the frame is of the other family");
}
