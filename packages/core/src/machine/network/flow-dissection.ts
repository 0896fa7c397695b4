import { ETH_HLEN, type FlowKeys, FlowKeysContext, keysHash } from "../../runtime/index.js";
import type { Namespace } from "./namespace.js";
import type { ProgramRun } from "./program-run.js";

const BPF_OK = 0;
const BPF_FLOW_DISSECTOR_CONTINUE = 129;

/** Runs the flow dissectors of namespaces, where the kernel would look for a packet's flow. */
export class FlowDissection {
  readonly #programs: ProgramRun;
  #context: FlowKeysContext | undefined;

  constructor(programs: ProgramRun) {
    this.#programs = programs;
  }

  /**
   * What the namespace's program finds in a frame; undefined where there is none, or where it leaves the packet to the
   * kernel's own dissector. Keys that are all zero stand for a packet that it can't make anything of.
   */
  keys(namespace: Namespace, frame: Uint8Array): FlowKeys | undefined {
    const { dissector } = namespace;
    if (dissector === undefined || frame.length < ETH_HLEN) return undefined;
    const { runtime } = this.#programs.environment;
    this.#context ??= new FlowKeysContext(runtime);
    this.#context.load(frame);
    const result = this.#programs.runIn(dissector.program, this.#context.skb, namespace);
    if (result === BPF_FLOW_DISSECTOR_CONTINUE) return undefined;
    return result === BPF_OK ? this.#context.keys() : this.#context.noKeys();
  }

  /** The flow hash that the namespace's program makes of a frame; undefined as for {@link keys}. */
  hash(namespace: Namespace, frame: Uint8Array): number | undefined {
    const keys = this.keys(namespace, frame);
    return keys === undefined ? undefined : keysHash(keys);
  }

  close(): void {
    this.#context?.close();
  }
}
