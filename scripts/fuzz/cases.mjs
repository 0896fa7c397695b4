import { mapFd, mapKinds } from "./environment.mjs";
import { askKernel } from "./kernel.mjs";

/** A program with the kernel's verdict on it, as a line of tests/verifier-cases. */
export function recordCase(program, description) {
  const { accepted, message, processed, totalStates } = askKernel(program);
  const { insns, type, attachType, flags, functions, license } = program;
  const used = Object.keys(mapKinds).filter((name) => mentions(insns, mapFd[name]));
  return {
    description,
    type,
    ...(attachType === undefined ? {} : { attachType }),
    ...(flags ? { flags } : {}),
    ...(license === undefined || license === "GPL" ? {} : { license }),
    insns: Buffer.from(insns).toString("hex"),
    ...(used.length === 0 ? {} : { maps: used }),
    ...(functions === undefined ? {} : { functions: functions.map(({ slot, typeId }) => [slot, typeId]) }),
    verdict: accepted ? "accepted" : "rejected",
    message,
    processed,
    states: totalStates,
  };
}

function mentions(insns, fd) {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.byteLength);
  for (let at = 0; at + 8 <= insns.length; at += 8) {
    if (insns[at] === 0x18 && view.getInt32(at + 4, true) === fd) return true;
  }
  return false;
}

