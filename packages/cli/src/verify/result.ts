import type { Capability, KernelVersion } from "@tsbpf/core/abi";

/** One program's verdict: an element of `verify --json`, whichever host gave it. */
export interface VerifyResult {
  readonly file: string;
  readonly program: string;
  readonly section: string;
  readonly type: string;
  readonly verdict: "accepted" | "rejected" | "not_reached";
  /** The verifier's last sentence; empty where it accepted. */
  readonly message: string;
  /** Slot where it stopped. */
  readonly insn: number | null;
  /** Source position, `FILE:LINE`. */
  readonly line: string | null;
  /** Instructions walked over. */
  readonly processed: number | null;
  readonly states: number | null;
  readonly verification_us: number | null;
  /** Whose types were taken for the kernel's: the running kernel's, those of `--btf`, or the shipped ones. */
  readonly types?: "running" | "file" | "shipped";
  /** Who loads, where `--capabilities` or `--unprivileged` said it. */
  readonly capabilities?: readonly Capability[];
  /** The kernel whose availability and limits were applied over 6.18's analysis, where `--kernel` named one. */
  readonly kernel?: KernelVersion;
}

/** What a verdict is asked with. */
export interface VerifyOptions {
  readonly program?: string;
  readonly type?: string;
  readonly flags?: number;
  /** Whose availability and limits are applied over 6.18's analysis. */
  readonly kernel?: KernelVersion;
  /** What the loader may do; everything, where absent. */
  readonly capabilities?: readonly Capability[];
  readonly logLevel: number;
  readonly host: "machine" | "kernel";
  readonly btf?: string;
  /** File with the configuration of the kernel that verdicts are for. */
  readonly config?: string;
  readonly list?: string;
  readonly compare?: boolean;
  /** Seconds after which the embedded verifier gives up. */
  readonly timeLimit?: number;
}

/** A result together with what only the text output shows. */
export interface FullResult extends VerifyResult {
  readonly log: string;
  /** The C line that it stopped at. */
  readonly source: string | undefined;
}

/** What the JSON contract has of a result. */
export function contractOf({ log: _log, source: _source, ...result }: FullResult): VerifyResult {
  return result;
}
