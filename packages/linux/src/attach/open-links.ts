import type { Attachment, BpfLink } from "./link.js";

type OpenLink = BpfLink | Attachment;

/** Attachments of this process that would stay in the kernel if it were killed now. */
const outliving = new Set<Attachment>();
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
let watching = false;

/**
 * The links of one host. They are held: a link that the program forgets stays attached until the host or the process
 * ends.
 */
export class OpenLinks {
  readonly #links = new Set<OpenLink>();

  add<T extends OpenLink>(link: T): T {
    this.#links.add(link);
    link.onClose = () => {
      this.#links.delete(link);
      if ("outlives" in link) outliving.delete(link);
    };
    if ("outlives" in link && link.outlives) {
      outliving.add(link);
      watchExit();
    }
    return link;
  }

  /** Those that stay attached if this process is killed: netlink XDP, clsact filters, routes. */
  outliving(): Attachment[] {
    return [...this.#links].filter((link): link is Attachment => "outlives" in link && link.outlives);
  }

  closeAll(): void {
    for (const link of [...this.#links].reverse()) link.close();
  }
}

/** Takes outliving attachments down when the process ends in any way that it can notice. */
function watchExit(): void {
  if (watching) return;
  watching = true;
  process.on("exit", detachAll);
  for (const signal of signals) process.on(signal, endBySignal);
}

function endBySignal(signal: NodeJS.Signals): void {
  detachAll();
  process.off(signal, endBySignal);
  // Where somebody else listens too, it is theirs to decide whether the process ends.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  else process.on(signal, endBySignal);
}

function detachAll(): void {
  for (const attachment of outliving) {
    try {
      attachment.close();
    } catch {
      // Its device or qdisc may be gone already, and the others have to be detached all the same.
    }
  }
}
