import type { Program } from "./program.js";

/** A program attached to something. It detaches when closed. */
export interface Link {
  /** What it is attached to, e.g. `"xdp"`, `"tcx"`, `"cgroup"`. */
  readonly kind: string;
  /** The host's id of the link, from 1; 0 for attachments that are no bpf_link (netlink, socket options). */
  readonly id: number;
  readonly program: Program;
  /** Puts another program in its place, atomically, without a packet seeing none. */
  update(program: Program): void;
  /** Detaches. Twice is harmless. */
  close(): void;
  [Symbol.dispose](): void;
}

/** How an XDP program sits on its device. Without it the driver decides. */
export type XdpMode = "native" | "generic" | "offload";

/** Where a filter stands among those of the clsact qdisc. */
export interface ClsactOptions {
  /** Filters run in the order of their priorities; 1, the default, is first. */
  readonly priority?: number | undefined;
  /** Identifies the filter among those of its priority; 1 by default. */
  readonly handle?: number | undefined;
}

/** Hooks on network devices. Devices are named by name or index. */
export interface DeviceHooks {
  /** @throws SyscallError ENODEV, EBUSY where another program is attached, EINVAL for a program of another type. */
  attachXdp(program: Program, device: string | number, options?: { readonly mode?: XdpMode | undefined }): Link;
  /**
   * A tcx link, last to run unless placed `before` or `after` another. Since 6.6.
   *
   * @throws SyscallError ENODEV, EEXIST where the same program is at the hook, ENOENT for a link that isn't, EINVAL.
   */
  attachTcx(
    program: Program,
    device: string | number,
    direction: "ingress" | "egress",
    options?: { readonly before?: Link | undefined; readonly after?: Link | undefined },
  ): Link;

  /**
   * A filter on the device's clsact qdisc, in direct-action mode. It comes after tcx links. Its id is 0.
   *
   * @throws SyscallError ENODEV, EEXIST for a priority and handle that are taken, EINVAL.
   */
  attachClsact(
    program: Program,
    device: string | number,
    direction: "ingress" | "egress",
    options?: ClsactOptions,
  ): Link;
}
