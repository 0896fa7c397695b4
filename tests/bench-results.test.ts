import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

const part = (name: string): Promise<Record<string, (...args: unknown[]) => unknown>> =>
  import(new URL(`../benchmarks/jit/${name}.mjs`, import.meta.url).href);

const times = (median: number) => ({ median, min: median });

describe("rows of npm run bench", () => {
  it("have ratios to what the kernel reports, and net ones where its clock says enough", async () => {
    const { rowsOf } = await part("table");
    const empty = { batch: times(2), call: times(20), kernel: times(25) };
    expect(rowsOf!({ name: "work" }, { batch: times(42), call: times(60), kernel: times(75) }, empty)).toEqual([
      { workload: "work", engine: "jit-batch", ns: 42, kernel_ns: 75, ratio: 0.56, net_ratio: 0.8 },
      { workload: "work", engine: "jit-call", ns: 60, kernel_ns: 75, ratio: 0.8, net_ratio: 0.8 },
    ]);
    expect(rowsOf!({ name: "small" }, { batch: times(3), call: times(22), kernel: times(44) }, empty)).toMatchObject([
      { ratio: 0.068, net_ratio: null },
      { ratio: 0.5, net_ratio: null },
    ]);
  });

  it("have null for the kernel where there is no bpf(2)", async () => {
    const { rowsOf } = await part("table");
    const empty = { batch: times(2), call: times(20), kernel: undefined };
    const [row] = rowsOf!({ name: "work" }, { ...empty, batch: times(42) }, empty) as unknown[];
    expect(row).toEqual({
      workload: "work",
      engine: "jit-batch",
      ns: 42,
      kernel_ns: null,
      ratio: null,
      net_ratio: null,
    });
  });
});

describe("npm run bench -- --compare", () => {
  const folder = mkdtempSync(join(tmpdir(), "tsbpf-bench-"));
  const printed: string[] = [];
  beforeAll(() => {
    vi.spyOn(console, "log").mockImplementation((line: string) => void printed.push(line));
  });
  afterAll(() => {
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  async function compare(before: readonly [ns: number, ratio: number], after: readonly [ns: number, ratio: number]) {
    const { compareFiles } = await part("compare");
    const paths = [before, after].map(([ns, ratio], index) => {
      const path = join(folder, `${index}.json`);
      writeFileSync(path, JSON.stringify([{ workload: "work", engine: "jit-batch", ns, ratio }]));
      return path;
    });
    printed.length = 0;
    return compareFiles!(...paths);
  }

  it("tells what became slower by more than a tenth, beside the kernel and by itself", async () => {
    expect(await compare([100, 0.5], [130, 0.65])).toBe(true);
    expect(printed[0]).toMatch(/^work \| jit-batch .*100 -> 130 ns.*0\.5 -> 0\.65 {2}REGRESSION$/);
    // The machine was slower, or the kernel faster.
    expect(await compare([100, 0.5], [130, 0.5])).toBe(false);
    expect(await compare([100, 0.5], [100, 0.65])).toBe(false);
    expect(await compare([100, 0.5], [50, 0.25])).toBe(false);
    expect(printed[0]).toMatch(/faster$/);
  });
});
