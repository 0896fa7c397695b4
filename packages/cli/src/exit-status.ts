/** What the command's exit status means; docs/command.md lists them for users. */
export const exitStatus = {
  ok: 0,
  /** The work was tried and failed: a file that can't be read, a host that refuses, a run that can't go on. */
  failed: 1,
  /** The command line isn't one that tsbpf knows. */
  usage: 2,
  /** `verify`: at least one program was rejected. */
  rejected: 3,
  /** `verify`: nothing was rejected, but at least one program got no verdict. */
  notReached: 4,
  /** `verify --compare`: the embedded verifier and the kernel differ on at least one program. */
  different: 5,
  /** Ended by Ctrl-C (128 + SIGINT), after printing what was done so far. */
  interrupted: 130,
} as const;

export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];
