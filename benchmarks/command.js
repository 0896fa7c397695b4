// What the command takes: to start, and for each packet of a capture.
//
//     npm run build && node benchmarks/command.js [--packets N]
//
// Starting is the wall time of `tsbpf --version`, the median of 15. The capture repeats examples/captures/web.pcap up to N
// packets (500,000); the time of `tsbpf run` includes starting, reading the object and verifying it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { packets: { type: "string", default: "500000" } } });
const root = fileURLToPath(new URL("../", import.meta.url));
const PCAP_HEADER = 24;

function tsbpf(...words) {
  const started = performance.now();
  const out = execFileSync(process.execPath, [join(root, "packages/cli/bin/tsbpf.js"), ...words], { encoding: "utf8" });
  return { milliseconds: performance.now() - started, out };
}

const starts = Array.from({ length: 15 }, () => tsbpf("--version").milliseconds).sort((a, b) => a - b);
console.log(`tsbpf --version: ${starts[7].toFixed(0)} ms, ${(starts[7] / 150).toFixed(2)} of the limit (150)`);

const capture = readFileSync(join(root, "examples/captures/web.pcap"));
const object = join(root, "examples/packet-counter/packet-counter.bpf.o");
const { packets } = JSON.parse(tsbpf("run", object, "--pcap", join(root, "examples/captures/web.pcap"), "--json").out);
const folder = mkdtempSync(join(tmpdir(), "tsbpf-bench-"));
try {
  const file = join(folder, "long.pcap");
  const times = Math.ceil(Number(values.packets) / packets);
  writeFileSync(file, Buffer.concat([capture, ...Array(times - 1).fill(capture.subarray(PCAP_HEADER))]));
  for (const engine of ["interpreter", "jit"]) {
    const { milliseconds } = tsbpf("run", object, "--pcap", file, "--engine", engine, "--json");
    const rate = (packets * times) / milliseconds;
    const limit = engine === "interpreter" ? `, ${(rate / 200).toFixed(1)} times the mark (200)` : "";
    console.log(`run, ${engine}: ${rate.toFixed(0)} k packets/s of ${packets * times}${limit}`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
