import type { Btf } from "../../packages/core/src/btf/index.ts";

/** What became of one random program. */
export interface JitComparisonResult {
  readonly kind: "agree" | "not_accepted" | "not_supported" | "budget" | "engines" | "fault" | "crashed" | "kernel";
  /** Whether the kernel ran it too. */
  readonly kernel: boolean;
  readonly details?: readonly string[];
}

export class JitComparison {
  constructor(options: { kernelTypes: Btf; kernel?: unknown });
  compare(seed: number): JitComparisonResult;
}
