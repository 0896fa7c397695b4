// The table of results, and the rows that go into JSON.

/** A clock of whole nanoseconds says little of less. */
const LEAST_NET = 20;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

const round = (value, digits) => (value === undefined ? null : Number(value.toFixed(digits)));

/** One row an engine: what `--json` writes. */
export function rowsOf({ name }, measured, empty) {
  const { kernel } = measured;
  const kernelNet = kernel === undefined ? 0 : kernel.median - empty.kernel.median;
  return ["batch", "call"].map((way) => {
    const ns = measured[way].median;
    const net = ns - empty[way].median;
    return {
      workload: name,
      engine: `jit-${way}`,
      ns: round(ns, 2),
      kernel_ns: round(kernel?.median, 2),
      ratio: kernel === undefined ? null : round(ns / kernel.median, 3),
      net_ratio: kernelNet < LEAST_NET ? null : round(net / kernelNet, 3),
    };
  });
}

const columns = [30, 11, 22, 20, 8, 8, 14, 14];

function print(cells) {
  console.log(cells.map((cell, at) => (at < 2 ? cell.padEnd(columns[at]) : cell.padStart(columns[at]))).join(""));
}

export function printTitle() {
  print(["workload", "engine", "ns (least)", "kernel ns (least)", "ratio", "net", "runtime ns", "native ns"]);
}

const time = (value) => (value === undefined ? "-" : value.toFixed(value < 100 ? 1 : 0));
const both = (times) => (times === undefined ? "-" : `${time(times.median)} (${time(times.min)})`);

export function printRow(row, measured) {
  const own = measured[row.engine.replace("jit-", "")];
  const ratio = (value) => (value === null ? "-" : value.toFixed(2));
  const { kernel, runtime, native } = measured;
  const others = [time(runtime?.median), time(native?.median)];
  print([row.workload, row.engine, both(own), both(kernel), ratio(row.ratio), ratio(row.net_ratio), ...others]);
}

/** Geometric means over the workloads, an engine a line. */
export function printSummary(rows) {
  for (const engine of ["jit-batch", "jit-call"]) {
    const own = rows.filter((row) => row.engine === engine);
    const mean = (values) => Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
    const ratios = own.map(({ ratio }) => ratio).filter((ratio) => ratio !== null);
    const nets = own.map(({ net_ratio: net }) => net).filter((net) => net !== null && net > 0);
    if (ratios.length === 0) continue;
    const worst = Math.max(...ratios).toFixed(2);
    const means = `geometric mean ${mean(ratios).toFixed(2)}, net ${nets.length > 0 ? mean(nets).toFixed(2) : "-"}`;
    console.log(
      `${engine}: ${means}; largest ratio ${worst}, net ${nets.length > 0 ? Math.max(...nets).toFixed(2) : "-"}`,
    );
  }
}
