import type { RunError } from "../fault-error.js";
import type { MachineProgram } from "../machine-program.js";
import type { Device } from "./device.js";

/**
 * Something that the kernel tells by a tracepoint, or by a line in its log.
 *
 * - `xdp_exception`: a program returned XDP_ABORTED, or what is no action, or its XDP_TX found no way out.
 * - `xdp_redirect_error`: a redirection came to nothing; `errno` (positive) says why.
 * - `fault`: a program that nobody verified did what it may not, or ran out of its budget. The packet fares as if the
 *   program had returned 0, which is what the kernel makes of a program that it ends: XDP_ABORTED, TC_ACT_OK.
 */
export type NetworkEvent =
  | {
      readonly kind: "xdp_exception";
      readonly device: Device;
      readonly program: MachineProgram;
      readonly action: number;
    }
  | {
      readonly kind: "xdp_redirect_error";
      readonly device: Device;
      readonly program: MachineProgram;
      readonly errno: number;
    }
  | {
      readonly kind: "fault";
      /** Undefined where the program runs for a socket. */
      readonly device: Device | undefined;
      readonly program: MachineProgram;
      readonly error: RunError;
    };
