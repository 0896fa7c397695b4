// What bench.mjs --browser calls in the page.
import { loadJit } from "./jit-runs.mjs";
import { workloads } from "./workloads.mjs";

const now = () => performance.now() * 1e6;
let jit;

globalThis.bench = {
  async load(name) {
    jit = await loadJit(
      workloads.find((each) => each.name === name),
      now,
    );
  },
  batch: (runs) => jit.batch(runs),
  call: (runs) => jit.call(runs),
  close: () => jit.close(),
};
