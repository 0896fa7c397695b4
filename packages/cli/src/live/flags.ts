/** bpftool's global flags beside `-j` and `-p`. */
export interface Flags {
  /** `-f`: say where objects are pinned. */
  readonly bpffs: boolean;
  /** `-m`: take map definitions that newer loaders refuse. tsbpf always does. */
  readonly mapcompat: boolean;
  /** `-n`: mount nothing. */
  readonly nomount: boolean;
  /** `-d`: say more, such as the verifier's log of a load that went well. */
  readonly debug: boolean;
  /** `-B FILE`: types that split BTF builds on. */
  readonly baseBtf: string | undefined;
}
