import type { KernelMemory, KernelObject } from "../kernel-object.js";
import type { Runtime } from "../runtime.js";
import { SkbContext, skBuff } from "../skb-context.js";
import { StructContext } from "./struct-context.js";

/** Offsets in `struct bpf_nf_ctx`: pointers of 64 bits. */
const field = { state: 0, skb: 8, size: 16 } as const;

/** Where a packet meets a netfilter program. */
export interface NetfilterPlace {
  /** NF_INET_*. */
  readonly hook: number;
  /** NFPROTO_*. */
  readonly family: number;
}

/**
 * `struct bpf_nf_ctx`. With the kernel's types its two pointers lead to a `struct nf_hook_state` with hook and family and
 * to a `struct sk_buff` with length, protocol, mark and priority; all their other members are 0.
 */
export class NetfilterContext extends StructContext {
  /** The packet, for the kernel functions that take it. */
  readonly skb: SkbContext;
  readonly #kernel: KernelMemory;
  #objects: { readonly state: KernelObject; readonly skb: KernelObject } | undefined;

  constructor(runtime: Runtime, kernel: KernelMemory) {
    super(runtime, field.size);
    this.#kernel = kernel;
    this.skb = new SkbContext(runtime);
  }

  /** @param frame with its Ethernet header. */
  load(frame: Uint8Array, place: NetfilterPlace, marks: { readonly mark: number; readonly priority: number }): void {
    this.clear(undefined);
    this.skb.load(frame, 0, frame.length, true);
    this.skb.detachSocket();
    if (this.#kernel.types === undefined) return;
    this.#objects ??= { state: this.#kernel.create("nf_hook_state"), skb: this.#kernel.create("sk_buff") };
    const { state, skb } = this.#objects;
    state.set({ hook: place.hook, pf: place.family });
    skb.set({ len: this.skb.length, protocol: this.skb.field(skBuff.protocol), ...marks });
    this.setWord(field.state, state.address);
    this.setWord(field.skb, skb.address);
  }

  override close(): void {
    this.skb.close();
    this.#objects?.state.close();
    this.#objects?.skb.close();
    super.close();
  }
}
