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

/** Hooks on network devices. Devices are named by name or index. */
export interface DeviceHooks {
  /** @throws SyscallError ENODEV, EBUSY where another program is attached, EINVAL for a program of another type. */
  attachXdp(program: Program, device: string | number, options?: { readonly mode?: XdpMode | undefined }): Link;
  /** A tcx link, first to run unless placed `after` another. Since 6.6. */
  attachTcx(
    program: Program,
    device: string | number,
    direction: "ingress" | "egress",
    options?: { readonly before?: Link | undefined; readonly after?: Link | undefined },
  ): Link;
}
