import { BpfCall, type BpfCommand, errnos } from "../sys/index.js";

type NextId = "BPF_PROG_GET_NEXT_ID" | "BPF_MAP_GET_NEXT_ID" | "BPF_LINK_GET_NEXT_ID" | "BPF_BTF_GET_NEXT_ID";

function* walk(command: NextId & BpfCommand): IterableIterator<number> {
  for (let id = 0; ; ) {
    const call = new BpfCall(command, { start_id: id });
    const result = call.try();
    if (result === -errnos.ENOENT) return;
    // Says what is wrong.
    if (result < 0) call.run();
    id = call.get("next_id");
    yield id;
  }
}

/** Ids of all programs in the kernel. They may be gone when they are opened. @throws SyscallError without CAP_SYS_ADMIN */
export function programIds(): IterableIterator<number> {
  return walk("BPF_PROG_GET_NEXT_ID");
}

/** As {@link programIds}, of maps. */
export function mapIds(): IterableIterator<number> {
  return walk("BPF_MAP_GET_NEXT_ID");
}

/** As {@link programIds}, of links. Since 5.8. */
export function linkIds(): IterableIterator<number> {
  return walk("BPF_LINK_GET_NEXT_ID");
}

/** As {@link programIds}, of BTF objects. Since 5.4. */
export function btfIds(): IterableIterator<number> {
  return walk("BPF_BTF_GET_NEXT_ID");
}
