import type { LoadedObject } from "@tsbpf/core/host";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Linux, type LinuxMap, XdpSocket } from "../index.js";
import { describeKernel } from "../testing/kernel.js";
import { eventually, markedFrame, TestSocket, VethPair } from "../testing/network.js";
import { kernelObject } from "../testing/objects.js";

describeKernel("an AF_XDP socket", () => {
  let veth: VethPair;
  let host: Linux;
  let object: LoadedObject;

  beforeAll(async () => {
    veth = new VethPair();
    host = await Linux.open();
    object = await host.load(kernelObject("network"), { programs: ["xdp_to_socket"] });
  });
  afterAll(() => {
    host?.close();
    veth?.close();
  });

  const open = (options = {}) =>
    veth.right.run(() => new XdpSocket({ device: "right", mode: "copy", frames: 64, ...options }));

  /** The queue of a socket that was closed is free a moment later. */
  const reopen = async () => {
    let socket: XdpSocket | undefined;
    await eventually(() => {
      try {
        socket = open();
      } catch (error) {
        if ((error as { errnoName?: string }).errnoName !== "EBUSY") throw error;
      }
      return socket !== undefined;
    }, "the queue is free");
    return socket!;
  };

  it("receives what a program sends it, more often than it has places", async () => {
    using socket = await reopen();
    (object.map("sockets").raw as LinuxMap).updateFd(new Uint8Array(4), socket.fd);
    using _link = veth.right.run(() => host.attachXdp(object.program("xdp_to_socket"), "right"));
    using sender = veth.left.run(() => TestSocket.packet("left"));
    const seen: number[] = [];
    socket.onFrame((frame) => {
      expect(frame.length).toBe(60);
      seen.push(frame[59]!);
    });
    for (let n = 0; n < 200; n++) {
      const frame = markedFrame();
      frame[59] = n;
      sender.send(frame);
      await eventually(() => seen.length > n, `frame ${n} arrives`);
    }
    expect(seen).toEqual(Array.from({ length: 200 }, (_, n) => n));
    expect(socket.statistics().rxDropped).toBe(0n);
  });

  it("sends frames, more often than it has places", async () => {
    using socket = await reopen();
    using receiver = veth.left.run(() => TestSocket.packet("left"));
    let arrived = 0;
    for (let round = 0; round < 50; round++) {
      const frame = markedFrame(100);
      frame[99] = round;
      expect(socket.send([frame, frame])).toBe(2);
      await eventually(() => {
        for (let got = receiver.receive(); got !== undefined; got = receiver.receive()) {
          if (got.length === 100 && got[99] === round) arrived++;
        }
        return arrived === (round + 1) * 2;
      }, `round ${round} arrives`);
    }
    expect(() => socket.send([new Uint8Array(4096)])).toThrow("does not fit a place of 2048");
  });

  it("may be closed by its own handler", async () => {
    const socket = await reopen();
    (object.map("sockets").raw as LinuxMap).updateFd(new Uint8Array(4), socket.fd);
    using _link = veth.right.run(() => host.attachXdp(object.program("xdp_to_socket"), "right"));
    using sender = veth.left.run(() => TestSocket.packet("left"));
    let closed = false;
    socket.onFrame(() => {
      socket.close();
      closed = true;
    });
    for (let n = 0; n < 3; n++) sender.send(markedFrame());
    await eventually(() => closed, "a frame arrives");
  });

  it("cannot be used after close, and says what a driver lacks", async () => {
    const socket = await reopen();
    socket.close();
    expect(() => socket.receive(() => {})).toThrow("is closed");
    (await reopen()).close();
    await eventually(() => {
      try {
        open({ mode: "zero-copy" });
      } catch (error) {
        return (error as { errnoName?: string }).errnoName === "EOPNOTSUPP";
      }
      return false;
    }, "zero-copy is refused");
    expect(() => open({ device: "none" })).toThrow("no network device");
    expect(() => open({ frames: 63 })).toThrow("power of two");
  });
});
