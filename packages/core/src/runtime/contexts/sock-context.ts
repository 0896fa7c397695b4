import type { NetworkSocket } from "../network-tables.js";
import type { Runtime } from "../runtime.js";
import { bpfSock, writeSocket } from "../socket-view.js";
import { StructContext } from "./struct-context.js";

/** `struct bpf_sock` as a context: a socket that is made, bound or closed. */
export class SockContext extends StructContext {
  constructor(runtime: Runtime) {
    super(runtime, bpfSock.size);
  }

  load(socket: NetworkSocket): void {
    this.clear(socket);
    writeSocket(this.memory, this.address, socket);
  }

  /** What programs may have changed of the socket. */
  get changes(): { readonly boundDevice: number; readonly mark: number; readonly priority: number } {
    return {
      boundDevice: this.word(bpfSock.boundDevice),
      mark: this.word(bpfSock.mark),
      priority: this.word(bpfSock.priority),
    };
  }
}
