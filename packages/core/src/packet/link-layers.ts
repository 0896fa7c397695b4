import { ByteWriter, parseIpv4, parseMac } from "../base/index.js";
import type { Layer } from "./layer.js";

/** EtherTypes that packets here are made of and described by. */
export const etherTypes = {
  ipv4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  ipv6: 0x86dd,
  vlanService: 0x88a8,
} as const;

const defaultSource = "02:00:00:00:00:01";
const defaultDestination = "02:00:00:00:00:02";

/** An Ethernet header. Addresses default to locally administered ones; `etherType` to that of what follows. */
export function ethernet(options: { src?: string; dst?: string; etherType?: number } = {}): Layer {
  return {
    encode(payload, { inner }) {
      const writer = new ByteWriter({ littleEndian: false, capacity: 14 + payload.length });
      writer.raw(parseMac(options.dst ?? defaultDestination)).raw(parseMac(options.src ?? defaultSource));
      return writer
        .u16(options.etherType ?? inner?.etherType ?? 0)
        .raw(payload)
        .finish();
    },
  };
}

/** A VLAN tag: 802.1Q, or with `service` the outer tag of 802.1ad. */
export function vlan(options: { id: number; priority?: number; dropEligible?: boolean; service?: boolean }): Layer {
  return {
    etherType: options.service ? etherTypes.vlanService : etherTypes.vlan,
    encode(payload, { inner }) {
      const control = ((options.priority ?? 0) << 13) | (options.dropEligible ? 0x1000 : 0) | (options.id & 0xfff);
      const writer = new ByteWriter({ littleEndian: false, capacity: 4 + payload.length });
      return writer
        .u16(control)
        .u16(inner?.etherType ?? 0)
        .raw(payload)
        .finish();
    },
  };
}

/** An ARP request or reply for IPv4 over Ethernet. */
export function arp(options: {
  operation: "request" | "reply";
  senderMac?: string;
  senderIp: string;
  targetMac?: string;
  targetIp: string;
}): Layer {
  return {
    etherType: etherTypes.arp,
    encode(payload) {
      const writer = new ByteWriter({ littleEndian: false, capacity: 28 + payload.length });
      writer
        .u16(1)
        .u16(etherTypes.ipv4)
        .u8(6)
        .u8(4)
        .u16(options.operation === "request" ? 1 : 2);
      writer.raw(parseMac(options.senderMac ?? defaultSource)).raw(parseIpv4(options.senderIp));
      writer.raw(parseMac(options.targetMac ?? "00:00:00:00:00:00")).raw(parseIpv4(options.targetIp));
      return writer.raw(payload).finish();
    },
  };
}
