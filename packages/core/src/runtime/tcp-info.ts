/** What programs can read of a TCP connection; times in microseconds. */
export interface TcpInfo {
  readonly congestionWindow: number;
  /** Eight times the smoothed round trip time, as the kernel keeps it. */
  readonly smoothedRoundTrip: number;
  readonly minimumRoundTrip: number;
  readonly slowStartThreshold: number;
  readonly receiveNext: number;
  readonly sendNext: number;
  readonly unacknowledged: number;
  readonly maximumSegment: number;
  /** Segments on their way. */
  readonly packetsOut: number;
  readonly retransmissions: number;
  readonly segmentsIn: number;
  readonly dataSegmentsIn: number;
  readonly segmentsOut: number;
  readonly dataSegmentsOut: number;
  readonly bytesReceived: number;
  readonly bytesAcknowledged: number;
  readonly delivered: number;
  /** Timeouts since the last acknowledgement. */
  readonly timeouts: number;
}

/** The u32s from `snd_cwnd` to `sacked_out` that `struct bpf_tcp_sock` has at its start. */
export function tcpWords(info: TcpInfo): readonly number[] {
  return [
    info.congestionWindow,
    info.smoothedRoundTrip,
    info.minimumRoundTrip,
    info.slowStartThreshold,
    info.receiveNext,
    info.sendNext,
    info.unacknowledged,
    info.maximumSegment,
    // No congestion is notified and no rate is sampled here.
    0,
    0,
    0,
    info.packetsOut,
    0,
    info.retransmissions,
    info.segmentsIn,
    info.dataSegmentsIn,
    info.segmentsOut,
    info.dataSegmentsOut,
    0,
    0,
  ];
}
