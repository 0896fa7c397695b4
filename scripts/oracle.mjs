// Runs the verifier over the cases with known kernel verdicts in the shared folder, and ends with one line of counts.
// Non-zero exit below the marks: 99 % equal verdicts, none accepted that the kernel rejects, 90 % equal messages among
// the rejected. Options: --differences prints each one; --case N prints one case's log; --counts checks the figures too.
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { readRawJob } from "../packages/cli/dist/verify/job.js";
import { jobInput } from "../packages/cli/dist/verify/job-input.js";
import { parseBtf, verify } from "../packages/core/dist/index.js";

const options = process.argv.slice(2);
const shared = process.env.TSBPF_SHARED ?? new URL("../../shared", import.meta.url).pathname;
const file = `${shared}/oracle/verifier-cases.jsonl.gz`;

let kernelTypes;
function vmlinux() {
  const path = "/sys/kernel/btf/vmlinux";
  kernelTypes ??= existsSync(path) ? parseBtf(new Uint8Array(readFileSync(path))) : null;
  return kernelTypes ?? undefined;
}

function inputOf(job) {
  return jobInput(readRawJob(job), vmlinux());
}

if (!existsSync(file)) {
  console.log(`skipped: no known verdicts at ${file}`);
  process.exit(0);
}
const jobs = gunzipSync(readFileSync(file))
  .toString("utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line));
const single = options.indexOf("--case");
if (single >= 0) {
  const job = jobs[Number(options[single + 1])];
  const answer = verify(inputOf(job), { logLevel: Number(options[single + 2] ?? 2) });
  console.log(answer.log);
  console.log(
    answer.verdict,
    answer.message ?? "",
    `| kernel: ${job.verdict} ${job.err_line} ${job.processed}/${job.total_states}`,
  );
  process.exit(0);
}

const counts = {
  equal: 0,
  wronglyAccepted: 0,
  wronglyRejected: 0,
  notReached: 0,
  rejected: 0,
  messages: 0,
  processed: 0,
  states: 0,
};
jobs.forEach((job, index) => {
  let answer;
  try {
    answer = verify(inputOf(job));
  } catch (error) {
    answer = { verdict: "crashed", message: error.stack };
  }
  const message = job.err_line[0] ?? "";
  let difference = "";
  if (answer.verdict === job.verdict) counts.equal++;
  else {
    difference = `${answer.verdict} instead of ${job.verdict}`;
    if (answer.verdict === "accepted") counts.wronglyAccepted++;
    else if (answer.verdict === "rejected") counts.wronglyRejected++;
    else counts.notReached++;
  }
  if (job.verdict === "rejected") {
    counts.rejected++;
    if (answer.message === message) counts.messages++;
    else difference ||= "message";
  }
  if (answer.processed === job.processed) counts.processed++;
  else if (options.includes("--counts")) difference ||= `processed ${answer.processed} instead of ${job.processed}`;
  if (answer.totalStates === job.total_states) counts.states++;
  else if (options.includes("--counts")) difference ||= `states ${answer.totalStates} instead of ${job.total_states}`;
  if (difference !== "" && options.some((option) => option === "--differences" || option === "--counts")) {
    console.log(
      `${index} ${job.prog_type_name} "${job.descr}": ${difference}; ${answer.message ?? ""} | kernel: ${message}`,
    );
  }
});
const verdictShare = counts.equal / jobs.length;
const messageShare = counts.messages / counts.rejected;
console.log(
  `oracle: ${jobs.length} cases, ${counts.equal} equal verdicts, ${counts.wronglyAccepted} wrongly accepted, ` +
    `${counts.wronglyRejected} wrongly rejected, ${counts.notReached} not reached; ` +
    `${counts.messages} of ${counts.rejected} messages equal; ${counts.processed} equal in instructions, ${counts.states} in states`,
);
process.exit(verdictShare >= 0.99 && counts.wronglyAccepted === 0 && messageShare >= 0.9 ? 0 : 1);
