// Holds the verifier against the running kernel's, program by random program. Ends with one line of counts; non-zero
// exit when a program is accepted here that the kernel rejects, or when more than 0.5 % are rejected that it accepts.
//   --count N     programs (1000)           --seed N    the first program's seed (1)
//   --show N      differences to print (5)  --logs      compare the logs at level 2, line by line, as well
//   --one SEED    one program: both logs
import { verify } from "../packages/core/dist/index.js";
import { verifyOnKernel } from "../packages/linux/dist/oracle/index.js";
import { generateProgram } from "./fuzz/generate.mjs";

function option(name, fallback) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}
const withLogs = process.argv.includes("--logs");

const array = { type: 2, keySize: 4, valueSize: 48, maxEntries: 3 };
const hash = { type: 1, keySize: 4, valueSize: 48, maxEntries: 8 };
const ours = new Map([
  [100, { name: "", flags: 0, ...array }],
  [101, { name: "", flags: 0, ...hash }],
]);
const theirs = [
  { fd: 100, ...array },
  { fd: 101, ...hash },
];

function askBoth({ type, insns }, level) {
  const kernel = verifyOnKernel({ insns, type, maps: theirs, logLevel: level });
  const mine = verify({ insns, type, license: "GPL", maps: ours }, { logLevel: level });
  return { kernel, mine };
}

/** What the two logs can be compared by: addresses and stack liveness apart. */
function comparable(log) {
  return log
    .replace(/= 0x[0-9a-f]{12,16}(?= *;| *$)/gm, (text) => (text.startsWith("= 0xffff") ? "= 0x0" : text))
    .split("\n")
    .filter(
      (line) =>
        !/^\([0-9,]+\) |^verification time|^stack depth|live stack update|^verifier bug: REG INVARIANTS/.test(line),
    )
    .map((line) => line.replace(/ +;/, " ;").trimEnd());
}

function firstDifference(kernel, mine) {
  const a = comparable(kernel);
  const b = comparable(mine);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i] !== b[i]) return { line: i, before: a.slice(Math.max(0, i - 3), i), kernel: a[i], mine: b[i] };
  }
  return undefined;
}

const single = option("one", undefined);
if (single !== undefined) {
  const { kernel, mine } = askBoth(generateProgram(single), 2);
  console.log(
    "=== kernel",
    kernel.accepted,
    kernel.message,
    `\n${kernel.log}\n=== ours`,
    mine.verdict,
    mine.message ?? "",
    `\n${mine.log}`,
  );
  console.log(firstDifference(kernel.log, mine.log));
  process.exit(0);
}

const count = option("count", 1000);
const first = option("seed", 1);
const counts = {
  accepted: 0,
  wronglyAccepted: 0,
  wronglyRejected: 0,
  notReached: 0,
  messages: 0,
  rejected: 0,
  processed: 0,
  states: 0,
  logs: 0,
};
const messages = new Map();
let shown = 0;
function show(seed, what) {
  if (shown++ < option("show", 5)) console.log(`seed ${seed}: ${what}`);
}
for (let seed = first; seed < first + count; seed++) {
  const program = generateProgram(seed);
  let { kernel, mine } = askBoth(program, 5);
  // The whole log of a long walk is too long to compare.
  const inDepth = withLogs && kernel.processed < 3000;
  if (inDepth) ({ kernel, mine } = askBoth(program, 6));
  const shape = kernel.message.replace(/\d+/g, "N");
  if (!kernel.accepted) messages.set(shape, (messages.get(shape) ?? 0) + 1);
  if (kernel.accepted) counts.accepted++;
  else counts.rejected++;
  if (mine.verdict === "not_reached") counts.notReached++;
  else if (mine.verdict === "accepted" && !kernel.accepted) {
    counts.wronglyAccepted++;
    show(seed, `accepted; the kernel: ${kernel.message}`);
  } else if (mine.verdict === "rejected" && kernel.accepted) {
    counts.wronglyRejected++;
    show(seed, `rejected: ${mine.message}`);
  } else if (!kernel.accepted && mine.message !== kernel.message) {
    show(seed, `"${mine.message}" instead of "${kernel.message}"`);
  }
  if (!kernel.accepted && mine.message === kernel.message) counts.messages++;
  if (mine.processed === kernel.processed) counts.processed++;
  else show(seed, `processed ${mine.processed} instead of ${kernel.processed}`);
  if (mine.totalStates === kernel.totalStates) counts.states++;
  if (inDepth) {
    const difference = firstDifference(kernel.log, mine.log);
    if (difference === undefined) counts.logs++;
    else show(seed, `logs differ: ${JSON.stringify(difference, undefined, 1)}`);
  }
}
if (process.argv.includes("--messages")) {
  for (const [message, n] of [...messages].sort((a, b) => b[1] - a[1]).slice(0, 30)) console.log(n, message);
}
console.log(
  `fuzz: ${count} programs, ${counts.accepted} accepted by the kernel; ${counts.wronglyAccepted} wrongly accepted, ` +
    `${counts.wronglyRejected} wrongly rejected, ${counts.notReached} not reached; ${counts.messages} of ${counts.rejected} ` +
    `messages equal; ${counts.processed} equal in instructions, ${counts.states} in states` +
    (withLogs ? `, ${counts.logs} in logs` : ""),
);
process.exit(counts.wronglyAccepted > 0 || counts.wronglyRejected > 0.005 * count ? 1 : 0);
