import { attachTypeId } from "@tsbpf/core/abi";
import type { Program, XdpMode } from "@tsbpf/core/host";
import { attribute, RouteSocket } from "../netlink/index.js";
import { duplicate, fdOf } from "../sys/index.js";
import { requireDeviceType } from "./attach-type.js";
import { deviceIndex } from "./device.js";
import { Attachment, createLink, type KernelLink } from "./link.js";

const XDP_FLAGS_REPLACE = 16;
const modeFlags = { generic: 2, native: 4, offload: 8 } as const;

const RTM_SETLINK = 19;
const IFLA_XDP = 43;
const IFLA_XDP_FD = 1;
const IFLA_XDP_FLAGS = 3;
const IFLA_XDP_EXPECTED_FD = 8;

/** How an XDP program is attached. */
export interface XdpOptions {
  readonly mode?: XdpMode | undefined;
  /**
   * `"link"` (since 5.9) goes away with this process. `"netlink"` stays when the process is killed, and can be seen and
   * removed by `ip link`.
   */
  readonly via?: "link" | "netlink" | undefined;
}

/** Attaches an XDP program to a network device. @throws SyscallError ENODEV, EBUSY, EOPNOTSUPP, EINVAL */
export function attachXdp(program: Program, device: string | number, options: XdpOptions = {}): KernelLink {
  requireDeviceType(program, "XDP", "xdp");
  const index = deviceIndex(device);
  const flags = options.mode === undefined ? 0 : modeFlags[options.mode];
  if (options.via === "netlink") return attachByNetlink(program, index, flags, device);
  return createLink("xdp", program, { target_ifindex: index, attach_type: attachTypeId("xdp"), flags }, `on ${device}`);
}

function attachByNetlink(program: Program, index: number, flags: number, device: string | number): Attachment {
  // The socket belongs to the device's namespace, wherever the thread is when the attachment is changed or closed.
  const socket = new RouteSocket();
  // An own fd: the program's may be closed, and its number taken by another, before it is replaced.
  let current = duplicate(fdOf(program), `program '${program.name}'`);
  try {
    setXdp(socket, index, current.number, flags, undefined, device);
  } catch (error) {
    socket.close();
    throw error;
  }
  return new Attachment(
    "xdp",
    program,
    {
      replace: (next) => {
        const fd = duplicate(fdOf(next), `program '${next.name}'`);
        setXdp(socket, index, fd.number, flags, current.number, device);
        current.close();
        current = fd;
      },
      detach: () => {
        try {
          setXdp(socket, index, -1, flags, undefined, device);
        } finally {
          current.close();
          socket.close();
        }
      },
    },
    { outlives: true },
  );
}

/** `fd` -1 removes. `expected`: only in place of that program. */
function setXdp(
  socket: RouteSocket,
  index: number,
  fd: number,
  flags: number,
  expected: number | undefined,
  device: string | number,
): void {
  // struct ifinfomsg: the index is at 4.
  const header = new Uint8Array(16);
  new DataView(header.buffer).setInt32(4, index, true);
  const xdp = [
    attribute(IFLA_XDP_FD, fd),
    attribute(IFLA_XDP_FLAGS, expected === undefined ? flags : flags | XDP_FLAGS_REPLACE),
    ...(expected === undefined ? [] : [attribute(IFLA_XDP_EXPECTED_FD, expected)]),
  ];
  socket.request(RTM_SETLINK, 0, [header, attribute(IFLA_XDP, xdp)], `RTM_SETLINK of ${device} (XDP)`);
}
