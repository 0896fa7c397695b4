import type { Capability } from "@tsbpf/core/abi";
import type { Btf } from "@tsbpf/core/btf";
import type { LoadOptions, Program } from "@tsbpf/core/host";

/** Choices for a load into the running kernel. */
export interface LinuxLoadOptions extends LoadOptions {
  /**
   * Folder for maps that are pinned by name, which has to be in a bpffs. Default `"/sys/fs/bpf"`, as in libbpf; null
   * ignores what the maps say about pinning.
   */
  readonly pinRoot?: string | null | undefined;
  /** Types to relocate against (CO-RE) in place of the running kernel's own. */
  readonly kernelBtf?: Btf | undefined;
  /**
   * Device that takes XDP programs and their maps into its hardware (since 4.16); they attach to it alone, with
   * `{ mode: "offload" }`.
   */
  readonly offloadTo?: string | number | undefined;
  /** Device that XDP programs are for, so that they may read its metadata (`bpf_xdp_metadata_...`, since 6.3). */
  readonly boundTo?: string | number | undefined;
  /** Load with no more than these capabilities of this process, which keeps the others; see {@link withCapabilities}. */
  readonly capabilities?: readonly Capability[] | undefined;
  /** What programs of type `ext` (freplace) and tracing programs of programs attach to, by program name. */
  readonly targets?: Readonly<Record<string, Program>> | undefined;
}
