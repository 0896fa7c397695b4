// Who runs the workloads: the JIT in its two ways, the kernel's JIT, another runtime's, and native code. An engine's
// `time(run)` gives the nanoseconds of one run, measured over many.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright";
import { chromiumProblem, launchOptions } from "../../scripts/chromium.mjs";
import { loadJit } from "./jit-runs.mjs";
import { load, packetsOf, plainInstructions } from "./workloads.mjs";

/**
 * CPU time of this process in nanoseconds, so that waiting for a CPU doesn't count. It doesn't in the kernel's test runs
 * either.
 */
function now() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/** Our JIT in this process. */
export function openJit() {
  return { load: (workload) => loadJit(workload, now), close: () => {} };
}

/** Our JIT in headless Chromium: page.html, whose clock counts waiting for a CPU too. */
export async function openChromium() {
  const problem = await chromiumProblem();
  if (problem !== undefined) throw new Error(problem);
  const browser = await chromium.launch(launchOptions);
  const page = await browser.newPage();
  const root = join(import.meta.dirname, "../..");
  // Cross-origin isolated pages have a finer clock.
  const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
  await page.route("**", (route) => {
    const { pathname } = new URL(route.request().url());
    return route.fulfill({ path: join(root, decodeURIComponent(pathname)), headers });
  });
  await page.goto("http://localhost/benchmarks/jit/page.html");
  await page.waitForFunction("globalThis.bench !== undefined");
  return {
    version: browser.version(),
    async load({ name }) {
      await page.evaluate((workload) => globalThis.bench.load(workload), name);
      return {
        batch: (runs) => page.evaluate((count) => globalThis.bench.batch(count), runs),
        call: (runs) => page.evaluate((count) => globalThis.bench.call(count), runs),
        close: () => page.evaluate(() => globalThis.bench.close()),
      };
    },
    close: () => browser.close(),
  };
}

/** The kernel's JIT by BPF_PROG_TEST_RUN, which reports whole nanoseconds a run. Undefined without bpf(2). */
export async function openKernel() {
  const { kernelProblem, Linux } = await import("@tsbpf/linux");
  if (kernelProblem() !== undefined) return undefined;
  const host = await Linux.open();
  return {
    async load(workload) {
      const { program, drain } = await load(workload, host);
      const packets = packetsOf(workload);
      return (runs) => {
        const repeat = Math.max(2, Math.round(runs / packets.length));
        let sum = 0;
        for (const data of packets) sum += program.testRun({ data, repeat }).duration;
        drain();
        return sum / packets.length;
      };
    },
    close: () => host.close(),
  };
}

/** A program, by its path and arguments, that answers `<program hex> <memory hex> <runs>` by `<r0> <ns of a run>`, a line each. */
export function openRuntime(path) {
  const [command, ...args] = path.split(" ");
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hex = (bytes) => Buffer.from(bytes).toString("hex");
  return {
    async time(workload, runs) {
      child.stdin.write(`${hex(plainInstructions(workload))} ${hex(packetsOf(workload)[0])} ${runs}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${path} ended`);
      return Number(value.split(" ")[1]);
    },
    close: () => child.stdin.end(),
  };
}

/** The same C as native code, called in a loop. Undefined where there is no clang. */
export function openNative(names) {
  const clang = ["clang", "clang-22", "clang-19", "clang-14"].find(
    (each) => spawnSync(each, ["--version"]).status === 0,
  );
  if (clang === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "tsbpf-native-"));
  const programs = join(import.meta.dirname, "programs");
  writeFileSync(join(folder, "main.c"), nativeMain(names));
  const binary = join(folder, "native");
  const sources = [join(programs, "compute.bpf.c"), join(folder, "main.c")];
  const { status, stderr } = spawnSync(clang, ["-O2", "-w", "-DNATIVE", `-I${programs}`, ...sources, "-o", binary]);
  if (status !== 0) throw new Error(`the native programs don't compile: ${stderr}`);
  return {
    time(name, runs) {
      const { status: failed, stdout } = spawnSync(binary, [name, String(runs)], { encoding: "utf8" });
      if (failed !== 0) throw new Error(`native ${name} failed`);
      return Number(stdout);
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

function nativeMain(names) {
  const entries = names.map((name) => `\t{"${name}", ${name}},`).join("\n");
  const declared = names.map((name) => `int ${name}(void *, unsigned long);`).join("\n");
  return `${declared}\nstatic const struct { const char *name; int (*run)(void *, unsigned long); } programs[] = {\n${entries}\n};\n${readFileSync(join(import.meta.dirname, "native-main.c"), "utf8")}`;
}
