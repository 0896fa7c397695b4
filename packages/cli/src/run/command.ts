import type { MapType, ProgramType } from "@tsbpf/core/abi";
import type { ObjectSpec, ProgramSpec } from "@tsbpf/core/spec";
import { CommandError, UsageError } from "../command-error.js";
import { exitStatus } from "../exit-status.js";
import { chooseProgram, readObjectFile } from "../object-file.js";
import type { Session } from "../session.js";
import { groupDigits } from "../table.js";
import { readCapture } from "./capture-input.js";
import { printEvents } from "./events.js";
import { type MapContent, parseMapOption, putContent, readMapFile, resizeMap, setVariable } from "./map-contents.js";
import type { RunOptions } from "./options.js";
import { PacketOutput } from "./packet-output.js";
import type { PacketRunner } from "./packet-runner.js";
import { Replay } from "./replay.js";
import { printMaps, printRunJson, printVerdicts } from "./report.js";
import { createTally } from "./tally.js";

/** Types that take packets from a capture. */
const packetTypes: ReadonlySet<ProgramType> = new Set(["xdp", "sched_cls", "sched_act", "socket_filter"]);

/** `tsbpf run FILE`: every packet of a capture through a program. Answers the exit status. */
export async function run(session: Session, file: string, options: RunOptions): Promise<number> {
  const object = await readObjectFile(file, { type: options.type });
  const program = chooseProgram(object, options.program, ({ type }) => packetTypes.has(type));
  if (!packetTypes.has(program.type)) {
    throw new UsageError(`'${program.name}' is a ${program.type} program: run takes ${[...packetTypes].join(", ")}`);
  }
  prepare(session, object, options);
  const contents = [...options.map.map(parseMapOption), ...(options.mapFile ? await readMapFile(options.mapFile) : [])];
  const runner = await createRunner(session, object, program, options);
  try {
    return await replayAll(session, { object, program, runner, contents }, options);
  } finally {
    runner.close();
  }
}

/** Maps whose loader would have given them a size get this one. */
const UNSIZED = 64;
const needSize: ReadonlySet<MapType> = new Set([
  ...(["array", "percpu_array", "hash", "percpu_hash", "lru_hash", "lru_percpu_hash", "lpm_trie", "devmap"] as const),
  ...(["devmap_hash", "cpumap", "xskmap", "prog_array", "queue", "stack", "array_of_maps", "hash_of_maps"] as const),
]);

/** Nothing of a run is pinned or reused; sizes and global variables are set before anything is loaded. */
function prepare({ terminal }: Session, object: ObjectSpec, options: RunOptions): void {
  for (const text of options.resize) resizeMap(object, text);
  for (const map of object.maps.values()) {
    map.pinning = "none";
    if (map.maxEntries !== 0 || !needSize.has(map.type)) continue;
    map.maxEntries = UNSIZED;
    terminal.warn(`map '${map.name}' has no size in the object: ${UNSIZED} entries (--resize ${map.name}=N)`);
  }
  for (const text of options.set) setVariable(object, text);
}

async function createRunner(
  { terminal }: Session,
  object: ObjectSpec,
  program: ProgramSpec,
  options: RunOptions,
): Promise<PacketRunner> {
  if (options.host === "kernel") {
    if (options.trace) throw new UsageError("--trace: the kernel's trace pipe is the whole system's; use the Machine");
    const { createKernelRunner } = await import("./kernel-runner.js");
    return createKernelRunner(object, program);
  }
  const { createMachineRunner } = await import("./machine-runner.js");
  const trace = options.trace ? (text: string) => terminal.warn(`trace: ${text.replace(/\n$/, "")}`) : () => {};
  return createMachineRunner(object, program, options, trace);
}

interface Prepared {
  readonly object: ObjectSpec;
  readonly program: ProgramSpec;
  readonly runner: PacketRunner;
  readonly contents: readonly MapContent[];
}

async function replayAll(session: Session, prepared: Prepared, options: RunOptions): Promise<number> {
  const { object, program, runner, contents } = prepared;
  const { terminal } = session;
  for (const content of contents) putContent(object, runner.object.maps, content);
  const typeName = typeof options.events === "string" ? options.events : undefined;
  const events = options.events && !session.json ? printEvents(terminal, object, runner.object.maps, typeName) : [];
  const output = new PacketOutput(options);
  const tally = createTally();
  const each = session.json ? 0 : (options.each ?? 0);
  const replay = new Replay(tally, program.type, runner, output, { terminal, each });
  let failure: unknown;
  const interrupted = await untilInterrupted(async (stopped) => {
    for (let pass = 0; pass < options.repeat && !stopped(); pass++) {
      await replayCapture(session, replay, options, stopped);
    }
  }).catch((error: unknown) => {
    // What was counted before a capture broke off is told all the same.
    if (tally.packets + tally.skipped === 0) throw error;
    failure = error;
    return false;
  });
  for (const subscription of events) {
    subscription.poll();
    subscription.close();
  }
  output.close();
  tally.nanoseconds = runner.nanoseconds;
  const report = { object, program, loaded: runner.object, tally, interrupted, failure };
  if (session.json) printRunJson(session, report, options);
  else {
    if (each > 0) terminal.print();
    printVerdicts(session, report, options);
    if (options.maps) printMaps(session, report);
  }
  if (failure !== undefined) throw session.json ? new CommandError("") : failure;
  return interrupted ? exitStatus.interrupted : exitStatus.ok;
}

async function replayCapture(
  { terminal }: Session,
  replay: Replay,
  options: RunOptions,
  stopped: () => boolean,
): Promise<void> {
  if (options.pcap === undefined) {
    throw new UsageError("--pcap IN is needed: the packets to run the program on");
  }
  let told = performance.now() + 1000;
  const reading = readCapture(
    options.pcap,
    (packet) => {
      replay.take(packet);
      return !stopped();
    },
    ({ read, total }) => {
      if (performance.now() < told) return;
      told = performance.now() + 200;
      const share = total === 0 ? "" : ` ${Math.floor((100 * read) / total)} %`;
      terminal.status(`${groupDigits(replay.tally.packets)} packets${share}`);
    },
  );
  // What came before a capture broke off is run as well.
  await reading.finally(() => replay.flush());
  terminal.status("");
}

/** Does `work`, which looks now and then whether Ctrl-C was pressed. Answers whether it was. */
async function untilInterrupted(work: (stopped: () => boolean) => Promise<void>): Promise<boolean> {
  let interrupted = false;
  const onInterrupt = () => {
    interrupted = true;
  };
  process.once("SIGINT", onInterrupt);
  try {
    await work(() => interrupted);
  } finally {
    process.off("SIGINT", onInterrupt);
  }
  return interrupted;
}
