/** States of a TCP connection, as BPF programs see them (`BPF_TCP_*`). */
export const tcpState = {
  established: 1,
  synSent: 2,
  synReceived: 3,
  finWait1: 4,
  finWait2: 5,
  timeWait: 6,
  close: 7,
  closeWait: 8,
  lastAck: 9,
  listen: 10,
  closing: 11,
  newSynReceived: 12,
} as const;

/** Number of a state of a connection (`BPF_TCP_*`). */
export type TcpState = (typeof tcpState)[keyof typeof tcpState];

/** A state of a connection by its name. */
export type TcpStateName = keyof typeof tcpState;

const names: ReadonlyMap<number, string> = new Map(Object.entries(tcpState).map(([name, number]) => [number, name]));

/** The name of a state's number. */
export function tcpStateName(state: TcpState): TcpStateName {
  return names.get(state)! as TcpStateName;
}
