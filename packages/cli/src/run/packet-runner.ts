import type { LoadedObject } from "@tsbpf/core/host";
import type { CapturedPacket } from "@tsbpf/core/packet";

/** What a program made of one packet. The object is the same each time; what it tells is about the last run. */
export interface PacketOutcome {
  /** r0's low 32 bits. */
  readonly retval: number;
  /** True where the hook takes no such frame: then there was no run. */
  readonly skipped: boolean;
  /** Where a redirecting verdict sends it, e.g. `tx_ports[2]` or `ifindex-3`; undefined where the host doesn't tell. */
  readonly target: string | undefined;
  /** What went wrong in the program, with where; undefined as a rule. */
  readonly fault: string | undefined;
  /** The packet as the program left it, as bytes of its own. */
  packet(): Uint8Array;
}

/** Packets that may wait for others before the program runs on them. */
export interface PacketQueue {
  /** Takes a packet's bytes; the packet may change afterwards. */
  add(packet: CapturedPacket): void;
  /** Runs the program on what waits. */
  flush(): void;
}

/** A loaded program, ready to be given packets, on either host. */
export interface PacketRunner {
  readonly object: LoadedObject;
  /** Nanoseconds spent in the program so far. */
  readonly nanoseconds: number;
  /** Runs the program on the packet's own bytes, which stay as they are. */
  run(packet: CapturedPacket): PacketOutcome;
  /**
   * A faster way for many packets, where there is one: `visit` is called for each in their order, later. The results are
   * those of {@link run}.
   */
  queue?(visit: (outcome: PacketOutcome) => void): PacketQueue | undefined;
  close(): void;
}
