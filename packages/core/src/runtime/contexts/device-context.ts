import type { Runtime } from "../runtime.js";
import { StructContext } from "./struct-context.js";

/** Offsets in `struct bpf_cgroup_dev_ctx`. */
const field = { accessType: 0, major: 4, minor: 8, size: 12 } as const;
const kinds = { block: 1, char: 2 } as const;
const accesses = { mknod: 1, read: 2, write: 4 } as const;

/** Someone's access to a device node. */
export interface DeviceAccess {
  readonly kind: keyof typeof kinds;
  readonly major: number;
  readonly minor: number;
  readonly access: readonly (keyof typeof accesses)[];
}

/** `struct bpf_cgroup_dev_ctx`. */
export class DeviceContext extends StructContext {
  constructor(runtime: Runtime) {
    super(runtime, field.size);
  }

  load({ kind, major, minor, access }: DeviceAccess): void {
    this.clear(undefined);
    const bits = access.reduce((sum, each) => sum | accesses[each], 0);
    this.setWord(field.accessType, (bits << 16) | kinds[kind]);
    this.setWord(field.major, major);
    this.setWord(field.minor, minor);
  }
}
