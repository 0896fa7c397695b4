import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type SuiteAPI } from "vitest";
import { lastErrno, libc, syscallError } from "../../packages/linux/src/sys/index.js";
import { describeKernel } from "../../packages/linux/src/testing/kernel.js";
import { mountPrivately } from "../../packages/linux/src/testing/mounts.js";

/** The object that the tests of live verbs load. */
export const inspectObject = new URL("../../testdata/cli/inspect.bpf.o", import.meta.url).pathname;

/** A bpffs that only this thread, and the processes that it starts, see. */
export function privateBpffs(): string {
  const folder = mkdtempSync(join(tmpdir(), "tsbpf-bpffs-"));
  mountPrivately("bpf", folder);
  process.on("exit", () => {
    try {
      rmdirSync(folder);
    } catch {
      // The mount goes with the thread; what is left then is an empty folder.
    }
  });
  return folder;
}

/** `bpftool words...`: what it prints, with its exit status. */
export function bpftool(...words: string[]): { status: number; out: string } {
  const { status, stdout, stderr } = spawnSync("bpftool", words, { encoding: "utf8", maxBuffer: 1 << 28 });
  return { status: status ?? -1, out: status === 0 ? stdout : stdout + stderr };
}

/** As {@link bpftool}, but it has to work. */
export function mustBpftool(...words: string[]): string {
  return execFileSync("bpftool", words, { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "pipe"] });
}

/** Tests that need the kernel and bpftool; skipped with their reason where one is missing. */
export function describeWithBpftool(name: string, suite: () => void): ReturnType<SuiteAPI> {
  if (spawnSync("bpftool", ["version"]).status === 0) return describeKernel(name, suite);
  return describe.skip(`${name} (skipped: bpftool is not installed)`, suite);
}

/** A kernel's clocks are read at different moments, so that load times may differ by a second. */
export function withoutLoadTime(text: string): string {
  return text.replace(/"loaded_at":\d+/g, '"loaded_at":0').replace(/loaded_at \S+/g, "loaded_at");
}

const CLONE_NEWNET = 0x4000_0000;

/** Gives this thread, and the processes that it starts, a network namespace of its own, for good. */
export function privateNetwork(): void {
  if (libc().unshare(CLONE_NEWNET) < 0) throw syscallError("unshare of the network namespace", lastErrno());
}

/** Mounts tracefs where this thread alone sees it. {@link privateBpffs} comes first. */
export function mountTracefs(): void {
  const folder = "/sys/kernel/tracing";
  if (libc().mount("tracefs", folder, "tracefs", 0, null) < 0) throw syscallError(`mount of tracefs`, lastErrno());
}

/** Runs `tc` with words in one string, in this thread's network namespace. */
export function tc(line: string): void {
  execFileSync("tc", line.split(" "), { stdio: ["ignore", "pipe", "pipe"] });
}
