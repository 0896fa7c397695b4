/** What happens to a frame next. */
export const step = {
  /** Its device's driver has received it: native XDP. */
  driver: 0,
  /** It goes up: generic XDP, taps, tc ingress, and the namespace's own. */
  stack: 1,
  /** A CPU map's entry has it: the program behind the entry, then up. */
  cpu: 2,
  /** It is to be sent: tc egress, taps, the driver. */
  transmit: 3,
} as const;
