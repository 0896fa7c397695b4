import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  arp,
  buildPacket,
  describePacket,
  echo,
  ethernet,
  formatIpv6,
  icmp,
  icmpv6,
  internetChecksum,
  ipv4,
  ipv6,
  ipv6Extension,
  ipv6Fragment,
  linkTypes,
  parseIpv4,
  parseIpv6,
  parseMac,
  tcp,
  udp,
  vlan,
} from "./index.js";

const v4 = ipv4({ src: "10.0.0.1", dst: "10.0.0.2" });
const v6 = ipv6({ src: "2001:db8::1", dst: "2001:db8::2" });

describe("buildPacket", () => {
  it("makes the bytes that a real stack made", () => {
    // A datagram as Linux sent it through a veth pair with checksum offload off.
    const frame = buildPacket(
      ethernet({ src: "02:00:00:00:00:01", dst: "02:00:00:00:00:02" }),
      ipv4({ src: "192.0.2.1", dst: "192.0.2.53", identification: 0xe761, dontFragment: true }),
      udp({ src: 40000, dst: 53 }),
      "hi",
    );
    expect([...frame].map((byte) => byte.toString(16).padStart(2, "0")).join("")).toBe(
      "02000000000202000000000108004500001ee76140004011cf36c0000201c00002359c400035000a76c46869",
    );
  });

  it("fills in checksums that add up to nothing", () => {
    const text = fc.uint8Array({ maxLength: 70 });
    fc.assert(
      fc.property(text, (payload) => {
        const frame = buildPacket(v4, icmp({ type: 8, rest: echo(1, 2) }), payload);
        expect(internetChecksum(frame.subarray(0, 20))).toBe(0);
        expect(internetChecksum(frame.subarray(20))).toBe(0);
        for (const [ip, at] of [
          [v4, 20],
          [v6, 40],
        ] as const) {
          for (const [layer, protocol] of [
            [tcp({ src: 1, dst: 2, options: Uint8Array.of(2, 4, 5, 0xb4, 1) }), 6],
            [udp({ src: 1, dst: 2 }), 17],
            ...(ip === v6 ? ([[icmpv6({ type: 128 }), 58]] as const) : []),
          ] as const) {
            const segment = buildPacket(ip, layer, payload).subarray(at);
            const addresses =
              at === 20 ? [10, 0, 0, 1, 10, 0, 0, 2] : [...parseIpv6("2001:db8::1"), ...parseIpv6("2001:db8::2")];
            const pseudo = [...addresses, 0, protocol, segment.length >> 8, segment.length & 0xff];
            expect(internetChecksum(Uint8Array.of(...pseudo, ...segment))).toBe(0);
          }
        }
      }),
    );
  });

  it("takes the checksum's addresses past extension headers", () => {
    const plain = buildPacket(v6, udp({ src: 1, dst: 2 }), "x").subarray(40);
    const extended = buildPacket(
      v6,
      ipv6Extension("hopByHop"),
      ipv6Fragment({ more: true }),
      udp({ src: 1, dst: 2 }),
      "x",
    );
    expect(extended.subarray(56)).toEqual(plain);
    expect([extended[6], extended[40], extended[48]]).toEqual([0, 44, 17]);
  });
});

describe("describePacket", () => {
  const described: [Uint8Array, string][] = [
    [
      buildPacket(ethernet(), v4, tcp({ src: 4242, dst: 80, seq: 7, flags: ["syn"] })),
      "IP 10.0.0.1.4242 > 10.0.0.2.80: Flags [S], seq 7, win 65535, length 0",
    ],
    [
      buildPacket(
        ethernet(),
        vlan({ id: 7, service: true }),
        vlan({ id: 9, priority: 3 }),
        v6,
        tcp({ src: 1, dst: 2, flags: ["psh", "ack"], seq: 10, ack: 5 }),
        "hey",
      ),
      "802.1ad vlan 7, p 0, vlan 9, p 3, IP6 2001:db8::1.1 > 2001:db8::2.2: Flags [P.], seq 10:13, ack 5, win 65535, length 3",
    ],
    [buildPacket(ethernet(), v4, udp({ src: 53, dst: 9 }), "hello"), "IP 10.0.0.1.53 > 10.0.0.2.9: UDP, length 5"],
    [
      buildPacket(ethernet(), v4, icmp({ type: 8, rest: echo(3, 4) }), "ab"),
      "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 3, seq 4, length 10",
    ],
    [
      buildPacket(ethernet(), v6, ipv6Extension("hopByHop"), icmpv6({ type: 135 })),
      "IP6 2001:db8::1 > 2001:db8::2: ICMP6 neighbor solicitation, length 8",
    ],
    [
      buildPacket(ethernet(), arp({ operation: "request", senderIp: "10.0.0.1", targetIp: "10.0.0.2" })),
      "ARP, Request who-has 10.0.0.2 tell 10.0.0.1",
    ],
    [
      buildPacket(
        ethernet(),
        v4,
        ipv4({ src: "1.1.1.1", dst: "2.2.2.2", fragmentOffset: 3, protocol: 17 }),
        "12345678",
      ),
      "IP 10.0.0.1 > 10.0.0.2: IP 1.1.1.1 > 2.2.2.2: udp fragment at 24, length 8",
    ],
    [
      buildPacket(ethernet({ etherType: 0x88cc }), "abc"),
      "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 0x88cc, length 3",
    ],
  ];

  it("names addresses, ports, flags and lengths", () => {
    for (const [frame, line] of described) expect(describePacket(frame)).toBe(line);
  });

  it("reads other link types", () => {
    const ip = buildPacket(v4, udp({ src: 53, dst: 9 }));
    const line = "IP 10.0.0.1.53 > 10.0.0.2.9: UDP, length 0";
    expect(describePacket(ip, linkTypes.raw)).toBe(line);
    expect(describePacket(buildPacket(new Uint8Array(4), ip), linkTypes.null)).toBe(line);
    expect(describePacket(buildPacket(new Uint8Array(14), Uint8Array.of(8, 0), ip), linkTypes.linux_sll)).toBe(line);
    expect(describePacket(buildPacket(Uint8Array.of(8, 0), new Uint8Array(18), ip), linkTypes.linux_sll2)).toBe(line);
    expect(describePacket(ip, 9999)).toBe("link type 9999, length 28");
  });

  it("has a line for anything", () => {
    fc.assert(
      fc.property(fc.constantFrom(...described), fc.nat(80), fc.nat(80), fc.nat(255), ([frame], length, at, value) => {
        const bytes = frame.slice(0, length);
        if (at < bytes.length) bytes[at] = value;
        for (const linkType of [0, 1, 101, 113, 276]) {
          expect(describePacket(bytes, linkType)).toMatch(/^\S.{2,}$/);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("addresses", () => {
  it("formats IPv6 as RFC 5952 has it, and reads it back", () => {
    for (const text of [
      "::",
      "::1",
      "2001:db8::1",
      "fe80::1:0:0:1",
      "1:0:0:2::3",
      "::ffff:10.0.0.1",
      "1:2:3:4:5:6:7:8",
    ]) {
      expect(formatIpv6(parseIpv6(text))).toBe(text);
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(parseIpv6(formatIpv6(bytes))).toEqual(bytes);
      }),
    );
  });

  it("refuses what is none", () => {
    for (const text of ["", ":", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::"]) {
      expect(() => parseIpv6(text), text).toThrow("IPv6 address");
    }
    for (const text of ["", "1.2.3", "256.1.1.1", "1.2.3.4.5", "1.2.3.x"])
      expect(() => parseIpv4(text)).toThrow("IPv4");
    for (const text of ["", "1:2:3:4:5", "1:2:3:4:5:6:7", "gg:0:0:0:0:0"]) expect(() => parseMac(text)).toThrow("MAC");
  });
});
