/** What a device has counted since it was made, as `ip -s link` and a driver's own statistics show. */
export class DeviceCounters {
  rxPackets = 0;
  rxBytes = 0;
  /** Frames that came to the device and went no further, other than by an XDP program's will. */
  rxDropped = 0;
  txPackets = 0;
  txBytes = 0;
  txDropped = 0;
  /** Verdicts of the device's XDP programs. */
  xdpAborted = 0;
  xdpDrop = 0;
  xdpPass = 0;
  xdpTx = 0;
  xdpRedirect = 0;
  /** Of the redirections, those that came to nothing. */
  xdpRedirectErrors = 0;
  /** Frames that tc programs dropped. */
  tcDropped = 0;
}
