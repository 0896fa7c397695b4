import { programTypeName } from "@tsbpf/core/abi";
import type { LiveHost, LiveProgram } from "../live/live-host.js";
import { programName } from "../live/program-name.js";

/** What a program is, as each of bpftool's listings begins. */
export function programHeadJson(host: LiveHost, program: LiveProgram, info = program.details()): object {
  return {
    id: info.id,
    type: programTypeName(info.type) ?? info.type,
    name: programName(host, program, info) || undefined,
    tag: info.tag,
    gpl_compatible: info.gplCompatible,
  };
}

export function programHeadText(host: LiveHost, program: LiveProgram, info = program.details()): string {
  const name = programName(host, program, info);
  const type = programTypeName(info.type) ?? `type ${info.type}`;
  return `${info.id}: ${type}  ${name === "" ? "" : `name ${name}  `}tag ${info.tag}${info.gplCompatible ? "  gpl" : ""}`;
}
