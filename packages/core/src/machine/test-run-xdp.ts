import { ENODEV, ENOMEM } from "../abi/index.js";
import { NotSupportedError } from "../base/index.js";
import type { TestRunOptions, TestRunResult } from "../host/index.js";
import { type Environment, XDP_FRAME_SIZE, XDP_HEADROOM, XDP_PACKET_MAX, XdpContext, xdpMd } from "../runtime/index.js";
import type { MachineProgram } from "./machine-program.js";
import { LOOPBACK } from "./packet-hook.js";
import { checkOutput, readContext, refuse, repeatRun, type TestRunner } from "./test-run.js";

const ETH_HLEN = 14;
const BPF_F_TEST_XDP_LIVE_FRAMES = 2;

/** Test runs of XDP programs. Packets seem to come from queue 0 of the loopback device unless a context says otherwise. */
export class XdpTestRunner implements TestRunner {
  readonly types = ["xdp"] as const;
  readonly #environment: Environment;
  readonly #context: XdpContext;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.#context = new XdpContext(environment.runtime);
  }

  run(program: MachineProgram, options: TestRunOptions): TestRunResult {
    const { attachType } = program.spec;
    if (attachType === "xdp_devmap" || attachType === "xdp_cpumap") refuse("it runs behind a map's entry only");
    const flags = options.flags ?? 0;
    if ((flags & ~BPF_F_TEST_XDP_LIVE_FRAMES) !== 0) refuse("unknown flags");
    const md = readContext(options, xdpMd.size);
    const data = options.data ?? new Uint8Array(0);
    this.#load(data, md);
    if (flags !== 0) throw new NotSupportedError("BPF_F_TEST_XDP_LIVE_FRAMES", "the Machine has no live frames yet");
    const duration = repeatRun(this.#environment, program, this.#context, options.repeat ?? 1);
    const context = this.#context;
    const output = new Uint8Array(context.metaLength + context.length);
    output.set(this.#environment.runtime.memory.copy(context.packetStart, context.metaLength));
    context.copyTo(output, context.metaLength);
    checkOutput(options, output.length);
    if (md !== undefined) {
      const view = new DataView(md.buffer);
      view.setUint32(xdpMd.data, context.metaLength, true);
      view.setUint32(xdpMd.dataEnd, context.metaLength + context.linearLength, true);
    }
    return { retval: this.#environment.runtime.r0, data: output, context: md ?? new Uint8Array(0), duration };
  }

  close(): void {
    this.#context.close();
  }

  #load(data: Uint8Array, md: Uint8Array | undefined): void {
    const metaLength = md === undefined ? 0 : checkMd(new DataView(md.buffer), data.length);
    if (data.length - metaLength < ETH_HLEN) refuse("a frame needs 14 bytes");
    if (data.length > XDP_PACKET_MAX + metaLength) refuse(`a packet has at most ${XDP_PACKET_MAX} bytes`, ENOMEM);
    this.#context.load(data, 0, data.length, metaLength);
    const receiver = md === undefined ? { device: LOOPBACK, queue: 0 } : this.#receiver(new DataView(md.buffer));
    this.#context.setReceiver(receiver.device, receiver.queue);
  }

  #receiver(md: DataView): { device: number; queue: number } {
    const device = md.getUint32(xdpMd.ingressIfindex, true);
    const queue = md.getUint32(xdpMd.rxQueueIndex, true);
    if (md.getUint32(xdpMd.egressIfindex, true) !== 0) refuse("an egress device cannot be given");
    if (device === 0) {
      if (queue !== 0) refuse("a queue without a device");
      return { device: LOOPBACK, queue };
    }
    const found = this.#environment.network.devices.get(device);
    if (found === undefined) refuse(`there is no device ${device}`, ENODEV);
    const queues = found.rxQueues ?? 1;
    if (queue >= queues) refuse(`device ${device} has ${queues} queues`);
    return { device, queue };
  }
}

/** Length of the metadata in front of the packet that the given xdp_md asks for. */
function checkMd(md: DataView, length: number): number {
  const metaLength = md.getUint32(xdpMd.data, true);
  const end = md.getUint32(xdpMd.dataEnd, true);
  if (md.getUint32(xdpMd.dataMeta, true) !== 0 || end > length || metaLength > end)
    refuse("the context's offsets are wrong");
  if (metaLength % 4 !== 0 || metaLength > 252 || metaLength > XDP_HEADROOM - XDP_FRAME_SIZE) {
    refuse(`metadata cannot have ${metaLength} bytes`);
  }
  return metaLength;
}
