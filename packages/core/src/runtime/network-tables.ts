/** A network device, as far as helpers ask about it. */
export interface NetworkDevice {
  readonly name: string;
  readonly rxQueues: number;
}

/** What programs can look up of the network around them. The caller fills it; at first there is the loopback device. */
export class NetworkTables {
  /** Devices by index. */
  readonly devices = new Map<number, NetworkDevice>([[1, { name: "lo", rxQueues: 1 }]]);
}
