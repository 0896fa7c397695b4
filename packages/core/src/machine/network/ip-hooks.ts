import { NetfilterContext, SkbContext, skBuff } from "../../runtime/index.js";
import type { MachineLink } from "../machine-link.js";
import type { MachineProgram } from "../machine-program.js";
import type { Device } from "./device.js";
import type { IpFamily } from "./ip-family.js";
import { ETH_HLEN } from "./ip-packet.js";
import type { Namespace } from "./namespace.js";
import type { ProgramRun } from "./program-run.js";

/** Places of netfilter, by their numbers (NF_INET_*). */
export const netfilterHooks = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;

export type NetfilterHook = keyof typeof netfilterHooks;

/** A program at a place of netfilter. */
export interface NetfilterEntry {
  readonly link: MachineLink;
  program: MachineProgram;
  readonly version: 4 | 6;
  readonly hook: NetfilterHook;
  /** Lower ones are asked first. */
  readonly priority: number;
}

/** A program that packets of a route go through. */
export interface LwtEntry {
  readonly link: MachineLink;
  program: MachineProgram;
}

/** What becomes of a packet behind a route's program. */
export interface LwtVerdict {
  readonly action: "continue" | "drop" | "reroute";
  /** The packet as the program left it, with room for an Ethernet header. */
  readonly bytes: Uint8Array;
}

const NFPROTO = { 4: 2, 6: 10 } as const;
const NF_DROP = 0;
const BPF_OK = 0;
const BPF_LWT_REROUTE = 128;
const noMarks = { mark: 0, priority: 0 };

/** Runs the programs that IP packets meet: netfilter's, and those of routes. */
export class IpHooks {
  readonly #programs: ProgramRun;
  #netfilter: NetfilterContext | undefined;
  #skb: SkbContext | undefined;

  constructor(programs: ProgramRun) {
    this.#programs = programs;
  }

  /** Does netfilter let a packet go on? */
  accepts(namespace: Namespace, hook: NetfilterHook, family: IpFamily, frame: Uint8Array, marks = noMarks): boolean {
    if (namespace.netfilter.length === 0) return true;
    const { runtime, kernel } = this.#programs.environment;
    for (const entry of namespace.netfilter) {
      if (entry.hook !== hook || entry.version !== family.version) continue;
      this.#netfilter ??= new NetfilterContext(runtime, kernel);
      this.#netfilter.load(frame, { hook: netfilterHooks[hook], family: NFPROTO[family.version] }, marks);
      if (this.#programs.runIn(entry.program, this.#netfilter, namespace) === NF_DROP) return false;
    }
    return true;
  }

  /** A route's program sees a packet, from its network header on. */
  throughRoute(namespace: Namespace, { program }: LwtEntry, frame: Uint8Array, device: Device): LwtVerdict {
    this.#skb ??= new SkbContext(this.#programs.environment.runtime);
    const skb = this.#skb;
    skb.load(frame, 0, frame.length, true);
    skb.detachSocket();
    skb.setField(skBuff.ifindex, device.index);
    this.#programs.environment.redirect.clear();
    const result = this.#programs.runIn(program, skb, namespace);
    const action = result === BPF_OK ? "continue" : result === BPF_LWT_REROUTE ? "reroute" : "drop";
    const bytes = new Uint8Array(ETH_HLEN + skb.length);
    skb.copyTo(bytes, ETH_HLEN);
    const isIpv6 = bytes[ETH_HLEN]! >> 4 === 6;
    bytes.set(isIpv6 ? [0x86, 0xdd] : [0x08, 0x00], 12);
    return { action, bytes };
  }

  close(): void {
    this.#netfilter?.close();
    this.#skb?.close();
  }
}
