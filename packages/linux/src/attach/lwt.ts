import { BpfError } from "@tsbpf/core/base";
import type { Program } from "@tsbpf/core/host";
import { attribute, NLM_F, RouteSocket } from "../netlink/index.js";
import { fdOf } from "../sys/index.js";
import { requireType } from "./attach-type.js";
import { deviceIndex } from "./device.js";
import { Attachment } from "./link.js";

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_ENCAP_TYPE = 21;
const RTA_ENCAP = 22;
const LWTUNNEL_ENCAP_BPF = 6;
const LWT_BPF_PROG_FD = 1;
const LWT_BPF_PROG_NAME = 2;
const LWT_BPF_XMIT_HEADROOM = 4;
const hooks = { lwt_in: 1, lwt_out: 2, lwt_xmit: 3 } as const;

const AF_INET = 2;
const RT_TABLE_MAIN = 254;
const RTPROT_STATIC = 4;
const RTN_UNICAST = 1;
const SCOPE_UNIVERSE = 0;
const SCOPE_LINK = 253;

/** The IPv4 route that carries a lightweight-tunnel program. */
export interface LwtRoute {
  /** `"10.1.0.0/16"` */
  readonly destination: string;
  readonly device: string | number;
  /** `"10.0.0.1"` */
  readonly gateway?: string | undefined;
  /** Bytes that an lwt_xmit program may push in front (up to 256). */
  readonly headroom?: number | undefined;
}

/**
 * Adds a route whose packets go through a program (lwt_in, lwt_out, lwt_xmit; since 4.10). Closing removes the route; it
 * outlives this process when that is killed.
 */
export function attachLwt(program: Program, route: LwtRoute): Attachment {
  requireType(program, "a route", "lwt_in", "lwt_out", "lwt_xmit");
  const index = deviceIndex(route.device);
  const place = [...destination(route), attribute(RTA_OIF, index)];
  if (route.gateway !== undefined) place.push(attribute(RTA_GATEWAY, inetBytes(route.gateway)));
  const socket = new RouteSocket();
  const put = (next: Program, flags: number) =>
    socket.request(
      RTM_NEWROUTE,
      flags,
      [...place, ...encapsulation(next, route)],
      `RTM_NEWROUTE of ${route.destination}`,
    );
  try {
    put(program, NLM_F.create | NLM_F.exclusive);
  } catch (error) {
    socket.close();
    throw error;
  }
  return new Attachment(
    "lwt",
    program,
    {
      replace: (next) => void put(next, NLM_F.create | NLM_F.replace),
      detach: () => {
        try {
          socket.request(RTM_DELROUTE, 0, place, `RTM_DELROUTE of ${route.destination}`);
        } finally {
          socket.close();
        }
      },
    },
    { outlives: true },
  );
}

/** struct rtmsg, then where to. */
function destination(route: LwtRoute): Uint8Array[] {
  const [address, prefix = "32"] = route.destination.split("/") as [string, string?];
  const scope = route.gateway === undefined ? SCOPE_LINK : SCOPE_UNIVERSE;
  const header = Uint8Array.of(
    AF_INET,
    Number(prefix),
    0,
    0,
    RT_TABLE_MAIN,
    RTPROT_STATIC,
    scope,
    RTN_UNICAST,
    0,
    0,
    0,
    0,
  );
  return [header, attribute(RTA_DST, inetBytes(address))];
}

function encapsulation(program: Program, route: LwtRoute): Uint8Array[] {
  const hook = hooks[program.type as keyof typeof hooks];
  const fields = [attribute(LWT_BPF_PROG_FD, fdOf(program)), attribute(LWT_BPF_PROG_NAME, program.name)];
  const options = [attribute(hook, fields)];
  if (route.headroom !== undefined) options.push(attribute(LWT_BPF_XMIT_HEADROOM, route.headroom));
  // The type's attribute is a u16.
  return [attribute(RTA_ENCAP_TYPE, Uint8Array.of(LWTUNNEL_ENCAP_BPF, 0)), attribute(RTA_ENCAP, options)];
}

function inetBytes(address: string): Uint8Array {
  const bytes = address.split(".").map(Number);
  if (bytes.length !== 4 || bytes.some((byte) => !(byte >= 0 && byte <= 255))) {
    throw new BpfError("ADDRESS", `${address} is not an IPv4 address`, { address });
  }
  return Uint8Array.from(bytes);
}
