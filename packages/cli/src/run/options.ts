/** The command line of `tsbpf run`, as parsed. */
export interface RunOptions {
  readonly program?: string;
  /** Program type for objects whose section names don't say. */
  readonly type?: string;
  readonly pcap?: string;
  readonly write?: string;
  readonly writeRedirect?: string;
  readonly engine: "jit" | "interpreter";
  /** False: programs that the verifier would refuse run too, watched. */
  readonly verify: boolean;
  readonly host: "machine" | "kernel";
  readonly repeat: number;
  readonly maps?: boolean;
  readonly trace?: boolean;
  /** True for bytes in hex, or the name of the struct in BTF that the events are. */
  readonly events?: boolean | string;
  readonly each?: number;
  /** `NAME:KEY=VALUE`, as often as given. */
  readonly map: readonly string[];
  readonly mapFile?: string;
  /** `NAME=VALUE` of global variables, as often as given. */
  readonly set: readonly string[];
  /** `NAME=N` of maps, as often as given. */
  readonly resize: readonly string[];
  readonly cpus: number;
  readonly seed: number;
  readonly budget?: number;
}
