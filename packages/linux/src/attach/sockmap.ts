import { type AttachType, attachTypeId } from "@tsbpf/core/abi";
import type { BpfMap, Program } from "@tsbpf/core/host";
import { bpf, duplicate, type FileDescriptor, fdOf } from "../sys/index.js";
import { hookOf, requireType } from "./attach-type.js";
import { Attachment } from "./link.js";

/**
 * Attaches an sk_msg program, or an sk_skb parser or verdict, to a sockmap or sockhash: it runs for the sockets
 * that are put into it from then on. The attachment goes with the map.
 */
export function attachSockmap(program: Program, map: BpfMap, attachType?: AttachType): Attachment {
  requireType(program, "a sockmap", "sk_msg", "sk_skb");
  const implied: AttachType | undefined = program.type === "sk_msg" ? "sk_msg_verdict" : undefined;
  const type = attachTypeId(hookOf(program, attachType ?? program.spec.attachType ?? implied));
  const where = `to map '${map.name}'`;
  // Own fds: the program's and the map's may be closed, and their numbers taken by others, before this is detached.
  const target = duplicate(fdOf(map), `map '${map.name}'`);
  let attached: FileDescriptor | undefined;
  const attach = (next: Program) => {
    const fd = duplicate(fdOf(next), `program '${next.name}'`);
    const attr = { target_fd: target.number, attach_bpf_fd: fd.number, attach_type: type };
    bpf("BPF_PROG_ATTACH", attr, `of '${next.name}' ${where}`);
    attached?.close();
    attached = fd;
  };
  const detach = () => {
    bpf("BPF_PROG_DETACH", { target_fd: target.number, attach_bpf_fd: attached?.number, attach_type: type }, where);
    attached?.close();
    target.close();
  };
  attach(program);
  return new Attachment("sockmap", program, { replace: attach, detach }, { outlives: false });
}
