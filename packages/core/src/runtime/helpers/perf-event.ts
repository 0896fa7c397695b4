import { EFAULT, EINVAL, ENOENT } from "../../abi/index.js";
import { PerfEventArrayMap } from "../../maps/index.js";
import { SkbContext } from "../skb-context.js";
import { XdpContext } from "../xdp-context.js";
import type { HelperFamily } from "./definition.js";

/** Bits of the upper half of the flags that say how much of the packet follows the data. */
const CONTEXT_LENGTH_MASK = 0xfffff;

/** Events to perf event arrays: the program's data, and for packets as much of the packet as it asks for. */
export const perfEventHelpers: HelperFamily = (define, { runtime, maps }) => {
  define(
    "perf_event_output",
    "int",
    (_ctx, map, index, data, size) => {
      const { context } = runtime.run;
      const packet = context instanceof XdpContext || context instanceof SkbContext ? context : undefined;
      const packetLength = runtime.registerHigh(3);
      if ((packetLength & ~(packet === undefined ? 0 : CONTEXT_LENGTH_MASK)) !== 0) return -EINVAL;
      if (packetLength > (packet?.length ?? 0)) return -EFAULT;
      const array = maps.mapAt(map >>> 0);
      if (!(array instanceof PerfEventArrayMap)) return -ENOENT;
      // The kernel's record has a length word in front and ends on 8 bytes; readers see the padding.
      const length = Math.ceil((4 + size + packetLength) / 8) * 8 - 4;
      const event = new Uint8Array(length);
      event.set(runtime.memory.u8.subarray(data >>> 0, (data >>> 0) + size));
      if (packetLength > 0) event.set(packet!.bytes().subarray(0, packetLength), size);
      return array.output(index, runtime.cpu, event);
    },
    { wide: true },
  );
};
