/** What a connection has counted, as `struct bpf_tcp_sock` and TCP_INFO show it. */
export class TcpStatistics {
  bytesReceived = 0;
  bytesAcknowledged = 0;
  segmentsIn = 0;
  segmentsOut = 0;
  dataSegmentsIn = 0;
  dataSegmentsOut = 0;
  /** Segments that were acknowledged. */
  delivered = 0;
  /** Segments that were sent again. */
  retransmissions = 0;
}
