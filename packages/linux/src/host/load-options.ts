import type { Btf } from "@tsbpf/core";
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
  /** What programs of type `ext` (freplace) and tracing programs of programs attach to, by program name. */
  readonly targets?: Readonly<Record<string, Program>> | undefined;
}
