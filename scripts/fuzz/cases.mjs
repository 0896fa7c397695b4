import { btfBytes, mapFd, mapKinds, oracleMaps } from "./environment.mjs";
import { askKernel } from "./kernel.mjs";

/** A program with the kernel's verdict on it, as a line of tests/verifier-cases/. */
export function recordCase(program, description) {
  const { accepted, message, processed, totalStates } = askKernel(program);
  const { insns, type, attachType, flags, functions, license, capabilities } = program;
  const maps = usedMaps(insns);
  const typed = functions !== undefined || maps.some(({ valueTypeId }) => valueTypeId !== undefined);
  return {
    description,
    type,
    ...(attachType === undefined ? {} : { attachType }),
    ...(flags ? { flags } : {}),
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(license === undefined || license === "GPL" ? {} : { license }),
    insns: Buffer.from(insns).toString("hex"),
    ...(maps.length === 0 ? {} : { maps }),
    ...(functions === undefined ? {} : { functions: functions.map(({ slot, typeId }) => [slot, typeId]) }),
    ...(typed ? { btf: Buffer.from(btfBytes).toString("base64") } : {}),
    verdict: accepted ? "accepted" : "rejected",
    message,
    processed,
    states: totalStates,
  };
}

function usedMaps(insns) {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.byteLength);
  const mentioned = new Set();
  for (let at = 0; at + 8 <= insns.length; at += 8) if (insns[at] === 0x18) mentioned.add(view.getInt32(at + 4, true));
  for (const name of Object.keys(mapKinds)) {
    const { innerMap } = mapKinds[name];
    if (innerMap !== undefined && mentioned.has(mapFd[name])) mentioned.add(mapFd[innerMap]);
  }
  return oracleMaps
    .filter(({ fd }) => mentioned.has(fd))
    .map(({ contents, ...map }) => ({
      ...map,
      ...(contents === undefined ? {} : { contents: Buffer.from(contents[0].value).toString("hex") }),
    }));
}
