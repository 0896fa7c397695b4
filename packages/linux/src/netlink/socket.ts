import { errnos, FileDescriptor, lastErrno, libc, NativeBuffer, syscallError, textOf } from "../sys/index.js";
import { message, type NetlinkMessage, NLM_F, parseAttributes, splitMessages } from "./message.js";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_ROUTE = 0;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_CAPPED = 0x100;
const NLMSGERR_ATTR_MSG = 1;
const RECEIVE_SIZE = 1 << 16;

/** A conversation with rtnetlink, in the network namespace that the calling thread is in when it is opened. */
export class RouteSocket {
  readonly #fd: FileDescriptor;
  readonly #buffer = new NativeBuffer(RECEIVE_SIZE);
  #sequence = 0;

  constructor() {
    const fd = libc().socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) throw syscallError("socket of netlink", lastErrno());
    this.#fd = new FileDescriptor(fd, "netlink socket");
    const one = new NativeBuffer(4);
    one.view.setInt32(0, 1, true);
    // The kernel's own sentence about what is wrong; older kernels don't know these options.
    libc().setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, one.address, 4);
    libc().setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, one.address, 4);
  }

  /**
   * Sends a request and waits for the kernel's answer.
   *
   * @param what Its name, for an error: `"RTM_SETLINK of eth0"`.
   * @returns The messages that came before the acknowledgement (with NLM_F.dump or NLM_F.echo).
   * @throws SyscallError with the kernel's own message as hint.
   */
  request(type: number, flags: number, body: readonly Uint8Array[], what: string): NetlinkMessage[] {
    const sequence = ++this.#sequence;
    const bytes = message(type, flags | NLM_F.request | NLM_F.ack, sequence, body);
    const out = new NativeBuffer(bytes.length);
    out.bytes.set(bytes);
    if (libc().send(this.#fd.number, out.address, out.length, 0) < 0) throw syscallError(what, lastErrno());
    const answers: NetlinkMessage[] = [];
    for (;;) {
      for (const answer of splitMessages(this.#receive(what))) {
        if (answer.sequence !== sequence) continue;
        if (answer.type === NLMSG_DONE) return answers;
        if (answer.type !== NLMSG_ERROR) {
          answers.push(answer);
          continue;
        }
        const error = new DataView(answer.body.buffer, answer.body.byteOffset).getInt32(0, true);
        if (error === 0) return answers;
        const hint = explanation(answer);
        throw syscallError(what, -error, hint === undefined ? {} : { hint });
      }
    }
  }

  #receive(what: string): Uint8Array {
    for (;;) {
      const length = libc().recv(this.#fd.number, this.#buffer.address, this.#buffer.length, 0);
      if (length >= 0) return this.#buffer.bytes.slice(0, length);
      if (lastErrno() !== errnos.EINTR) throw syscallError(what, lastErrno());
    }
  }

  close(): void {
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The text that the kernel sends along with an error. */
function explanation({ flags, body }: NetlinkMessage): string | undefined {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  // errno, then the header of the request, with the whole request behind it unless it was cut.
  const offset = 4 + (flags & NLM_F_CAPPED ? 16 : view.getUint32(4, true));
  const text = parseAttributes(body, offset).get(NLMSGERR_ATTR_MSG);
  return text === undefined ? undefined : textOf(text);
}
