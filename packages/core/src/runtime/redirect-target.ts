/** What the last redirecting helper of a run asked for (`struct bpf_redirect_info`). It counts if the verdict does. */
export class RedirectTarget {
  /** Device index, or with {@link map} the key. */
  index = 0;
  /** Address of the map's header; 0 for a device named directly. */
  map = 0;
  /** Flags of the call, e.g. BPF_F_INGRESS, BPF_F_BROADCAST. */
  flags = 0;
  /** `"peer"` and `"neigh"` are the tc helpers of that name. */
  kind: "none" | "device" | "map" | "peer" | "neigh" = "none";
  /** Address of the map's value for the key, 0 when broadcasting. */
  value = 0;
  /** The neighbour that a `"neigh"` goes to, 4 or 16 bytes; without it the packet's destination decides. */
  nextHop: Uint8Array | undefined;

  clear(): void {
    this.kind = "none";
    this.index = 0;
    this.map = 0;
    this.flags = 0;
    this.value = 0;
    this.nextHop = undefined;
  }

  /** As it is now. */
  copy(): RedirectTarget {
    const copy = new RedirectTarget();
    copy.assign(this);
    return copy;
  }

  assign(other: RedirectTarget): void {
    this.index = other.index;
    this.map = other.map;
    this.flags = other.flags;
    this.kind = other.kind;
    this.value = other.value;
    this.nextHop = other.nextHop;
  }
}
