import { describe, expect, it } from "vitest";
import { NetworkTables } from "./index.js";

const ip = (...bytes: number[]) => Uint8Array.from(bytes);

describe("NetworkTables", () => {
  it("finds the longest prefix, then the lowest metric, in the table asked for", () => {
    const tables = new NetworkTables();
    const routes = [
      { destination: ip(0, 0, 0, 0), prefixLength: 0, device: 1 },
      { destination: ip(10, 0, 0, 0), prefixLength: 8, device: 2, metric: 20 },
      { destination: ip(10, 0, 0, 0), prefixLength: 8, device: 3, metric: 10 },
      { destination: ip(10, 1, 128, 0), prefixLength: 17, device: 4 },
      { destination: ip(10, 1, 128, 0), prefixLength: 24, device: 5, table: 7 },
    ];
    tables.routes.push(...routes);
    const device = (address: Uint8Array, table?: number) => tables.route(address, table)?.device;
    expect([device(ip(10, 1, 200, 1)), device(ip(10, 1, 127, 1)), device(ip(11, 0, 0, 1))]).toEqual([4, 3, 1]);
    expect([device(ip(10, 1, 128, 9), 7), device(ip(10, 1, 129, 9), 7)]).toEqual([5, undefined]);
    expect(device(new Uint8Array(16))).toBeUndefined();
  });

  it("finds a connected socket before a listening one, and that before one for any address", () => {
    const tables = new NetworkTables();
    const base = { protocol: "tcp", localPort: 80 } as const;
    const any = { ...base, localAddress: ip(0, 0, 0, 0) };
    const here = { ...base, localAddress: ip(10, 0, 0, 1) };
    const connected = { ...here, remoteAddress: ip(10, 0, 0, 2), remotePort: 5000 };
    tables.sockets.push(any, here, connected);
    const find = (local: Uint8Array, port: number, from: number, protocol: "tcp" | "udp" = "tcp") =>
      tables.socket(protocol, { address: local, port }, { address: ip(10, 0, 0, 2), port: from });
    expect(find(ip(10, 0, 0, 1), 80, 5000)).toBe(connected);
    expect(find(ip(10, 0, 0, 1), 80, 5001)).toBe(here);
    expect(find(ip(10, 0, 0, 9), 80, 5001)).toBe(any);
    expect(find(ip(10, 0, 0, 1), 81, 5000)).toBeUndefined();
    expect(find(ip(10, 0, 0, 1), 80, 5000, "udp")).toBeUndefined();
  });
});
