// Compares the verifier's verdict on every program of the objects named (files or folders; testdata and examples where
// none are) with the running kernel's. Needs root. Options: --differences prints each one, --counts also compares the
// instructions processed and the states, --messages the messages, --program NAME prints the logs of one program.
// Non-zero exit when the kernel rejects what we accept, or the other way round.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { applyCoreRelocations, parseBtf, readObject, verifierInput, verify } from "../packages/core/dist/index.js";
import { kconfigValue } from "../packages/linux/dist/host/kconfig-data.js";
import { Linux, parseVerifierStatistics } from "../packages/linux/dist/index.js";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    differences: { type: "boolean" },
    counts: { type: "boolean" },
    messages: { type: "boolean" },
    program: { type: "string" },
    level: { type: "string", default: "2" },
    logs: { type: "string" },
  },
});
const root = new URL("..", import.meta.url).pathname;
const paths = positionals.length > 0 ? positionals : [`${root}testdata`, `${root}examples`];

function* objectFiles(path) {
  if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) yield* objectFiles(`${path}/${name}`);
  else if (path.endsWith(".o")) yield path;
}

const vmlinux = parseBtf(new Uint8Array(readFileSync("/sys/kernel/btf/vmlinux")));
const host = await Linux.open();

async function askKernel(object, spec, logLevel) {
  const one = { ...object, programs: new Map([[spec.name, spec]]) };
  try {
    const loaded = await host.load(one, { programs: [spec.name], logLevel, pinRoot: null });
    const { log } = loaded.program(spec.name);
    loaded.close();
    return { verdict: "accepted", message: "", log, ...parseVerifierStatistics(log) };
  } catch (error) {
    const log = error.log ?? error.cause?.log ?? "";
    // Some kernels forbid kinds of programs to everybody, before their verifier sees them.
    const refused = error.errnoName === "EPERM" && log.trim() === "";
    const verdict = error.command === "BPF_PROG_LOAD" && !refused ? "rejected" : "impossible";
    return {
      verdict,
      message: error.reason ?? error.message,
      errno: error.errno,
      log,
      ...parseVerifierStatistics(log),
    };
  }
}

function askOurselves(object, spec, logLevel) {
  try {
    const relocated =
      spec.coreRelocations.length > 0 && object.btf !== undefined
        ? applyCoreRelocations(spec, object.btf, vmlinux)
        : spec;
    return verify(verifierInput(object, relocated, vmlinux), { logLevel });
  } catch (error) {
    return { verdict: "crashed", message: error.stack, log: "" };
  }
}

/** What loaders fill in before they load: sizes of maps that depend on the machine, and the kernel's configuration. */
function complete(object) {
  for (const [name, map] of object.maps) {
    if (map.maxEntries === 0) map.maxEntries = map.type.endsWith("ringbuf") ? 4096 : 2;
    if (name === ".kconfig") {
      const value = kconfigValue(object.kconfig, map.valueSize, object.btf);
      map.contents = [{ key: new Uint8Array(4), value }];
    }
  }
}

const counts = {
  programs: 0,
  equal: 0,
  accepted: 0,
  wronglyAccepted: 0,
  wronglyRejected: 0,
  notReached: 0,
  impossible: 0,
};
const figures = { rejected: 0, messages: 0, processed: 0, states: 0 };
const missing = new Map();

function compare(file, spec, ours, kernel) {
  const place = `${file.replace(root, "")} ${spec.name} (${spec.type})`;
  let difference;
  if (kernel.verdict === "impossible") {
    counts.impossible++;
    difference = `the kernel cannot be asked: ${kernel.message}`;
  } else if (ours.verdict === kernel.verdict) {
    counts.equal++;
    if (ours.verdict === "accepted") counts.accepted++;
    if (ours.verdict === "rejected") {
      figures.rejected++;
      if (ours.message === kernel.message) figures.messages++;
      else if (options.messages) difference = `message: ${ours.message} | kernel: ${kernel.message}`;
    }
    const sameCount = ours.processed === (kernel.processed ?? 0);
    const sameStates = ours.totalStates === (kernel.totalStates ?? 0);
    if (sameCount) figures.processed++;
    if (sameStates) figures.states++;
    if (options.counts && !(sameCount && sameStates))
      difference = `figures: ${ours.processed}/${ours.totalStates} | kernel: ${kernel.processed}/${kernel.totalStates}`;
  } else {
    if (ours.verdict === "accepted") counts.wronglyAccepted++;
    else if (ours.verdict === "rejected") counts.wronglyRejected++;
    else counts.notReached++;
    difference = `${ours.verdict}: ${ours.message ?? ""} | kernel: ${kernel.verdict} ${kernel.message}`;
    if (ours.verdict === "not_reached") missing.set(ours.message, (missing.get(ours.message) ?? 0) + 1);
  }
  if (difference !== undefined && (options.differences || options.messages || options.counts))
    console.log(`${place}: ${difference}`);
}

for (const path of paths) {
  for (const file of objectFiles(path)) {
    let object;
    try {
      object = readObject(new Uint8Array(readFileSync(file)), { name: file });
    } catch (error) {
      if (options.differences) console.log(`${file}: ${error.message}`);
      continue;
    }
    if (object.byteOrder === "big") continue;
    complete(object);
    for (const spec of object.programs.values()) {
      if (options.program !== undefined && options.program !== spec.name) continue;
      const level = options.program === undefined ? 4 : Number(options.level) | 4;
      counts.programs++;
      const kernel = await askKernel(object, spec, level);
      const ours = askOurselves(object, spec, level);
      if (options.logs !== undefined) {
        writeFileSync(`${options.logs}.ours`, ours.log);
        writeFileSync(`${options.logs}.kernel`, kernel.log);
      } else if (options.program !== undefined) console.log(ours.log);
      compare(file, spec, ours, kernel);
    }
  }
}
if (options.differences) {
  for (const [message, count] of [...missing].sort((a, b) => b[1] - a[1])) console.log(`${count} × ${message}`);
}
console.log(
  Object.entries({ ...counts, ...figures })
    .map(([name, count]) => `${name} ${count}`)
    .join(", "),
);
host.close();
process.exitCode = counts.wronglyAccepted + counts.wronglyRejected > 0 ? 1 : 0;
