// One program asked of both verifiers, and what the answers differ in.
import { readFileSync } from "node:fs";
import { parseBtf, verify } from "../../packages/core/dist/index.js";
import { btf, verifierMaps } from "./environment.mjs";
import { askKernel } from "./kernel.mjs";

const kernelTypes = parseBtf(new Uint8Array(readFileSync("/sys/kernel/btf/vmlinux")));

/** Our verdict on a generated program. */
export function askOurs(program, { logLevel = 0, seconds = 20 } = {}) {
  const end = performance.now() + seconds * 1000;
  const { functions, capabilities, ...rest } = program;
  return verify(
    {
      ...rest,
      license: program.license ?? "GPL",
      maps: verifierMaps,
      kernelTypes,
      ...(functions === undefined ? {} : { btf, functions }),
    },
    { logLevel, capabilities, shouldStop: () => performance.now() > end },
  );
}

/** What the two verifiers say to a program: `kind` is `agree` or what differs first. */
export function compare(program) {
  const kernel = askKernel(program);
  let ours;
  try {
    ours = askOurs(program);
  } catch (error) {
    return { kind: "crashed", kernel, ours: { message: error.stack } };
  }
  return { kind: differenceOf(ours, kernel), kernel, ours };
}

function differenceOf(ours, kernel) {
  if (ours.verdict === "not_reached") return "not_reached";
  if (ours.verdict === "accepted" && !kernel.accepted) return "wrongly_accepted";
  if (ours.verdict === "rejected" && kernel.accepted) return "wrongly_rejected";
  if (!kernel.accepted && ours.message !== kernel.message) return "message";
  if (ours.processed !== (kernel.processed ?? 0)) return "processed";
  if (ours.totalStates !== (kernel.totalStates ?? 0)) return "states";
  return "agree";
}
