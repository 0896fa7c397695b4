import { EINVAL } from "../../abi/index.js";
import { SkMsgContext } from "../contexts/index.js";
import type { Runtime } from "../runtime.js";
import type { HelperFamily } from "./definition.js";
import { isNarrow } from "./skb.js";

/** What sk_msg programs do to a message. */
export const socketMessageHelpers: HelperFamily = (define, { runtime }) => {
  const wide = { wide: true };
  define("msg_apply_bytes", "int", (_ctx, bytes) => {
    message(runtime).applyBytes = bytes >>> 0;
    return 0;
  });
  define("msg_cork_bytes", "int", (_ctx, bytes) => {
    message(runtime).corkBytes = bytes >>> 0;
    return 0;
  });
  define(
    "msg_pull_data",
    "int",
    (_ctx, from, to, flags) => {
      const msg = message(runtime);
      const [start, end] = [from >>> 0, to >>> 0];
      if (flags !== 0 || !isNarrow(runtime, 4) || end <= start || end > msg.length) return -EINVAL;
      msg.show(start, end);
      return 0;
    },
    wide,
  );
  define(
    "msg_push_data",
    "int",
    (_ctx, from, count, flags) => {
      const msg = message(runtime);
      const [start, length] = [from >>> 0, count >>> 0];
      if (flags !== 0 || !isNarrow(runtime, 4)) return -EINVAL;
      if (length === 0) return 0;
      if (start > msg.length || length > 0xffff) return -EINVAL;
      splice(msg, start, 0, length);
      return 0;
    },
    wide,
  );
  define(
    "msg_pop_data",
    "int",
    (_ctx, from, count, flags) => {
      const msg = message(runtime);
      const [start, length] = [from >>> 0, count >>> 0];
      if (flags !== 0 || !isNarrow(runtime, 4)) return -EINVAL;
      if (length === 0) return 0;
      if (start + length > msg.length) return -EINVAL;
      splice(msg, start, length, 0);
      return 0;
    },
    wide,
  );
};

/** Takes bytes out of a message, and puts zeros in. */
function splice(msg: SkMsgContext, start: number, removed: number, added: number): void {
  const before = msg.bytes();
  const bytes = new Uint8Array(before.length - removed + added);
  bytes.set(before.subarray(0, start));
  bytes.set(before.subarray(start + removed), start + added);
  msg.replace(bytes);
}

function message(runtime: Runtime): SkMsgContext {
  const { context } = runtime.run;
  return context instanceof SkMsgContext ? context : runtime.fault("the program's context is no message");
}
