import { tracing } from "../helpers/tracing.js";
import type { KfuncFamily } from "./definition.js";

/** Probes that run at both ends of a function. */
export const sessionKfuncs: KfuncFamily = (define, { runtime }) => {
  define("bpf_session_is_return", "uint", () => (tracing(runtime)?.event.atReturn ? 1 : 0));
  define("bpf_session_cookie", "uint", () => {
    return tracing(runtime)?.event.sessionCookie ?? runtime.fault("the program does not run in a session");
  });
};
