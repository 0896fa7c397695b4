import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { describeKernel } from "../testing/kernel.js";
import { FileDescriptor, libc, NetworkNamespace } from "./index.js";

describeKernel("file descriptors", () => {
  it("are closed once", () => {
    const fd = new FileDescriptor(libc().eventfd(0, 0), "event");
    const number = fd.number;
    expect(existsSync(`/proc/self/fd/${number}`)).toBe(true);
    fd.close();
    const other = libc().eventfd(0, 0);
    expect(other).toBe(number);
    fd.close();
    expect(existsSync(`/proc/self/fd/${other}`)).toBe(true);
    libc().close(other);
    expect(() => fd.number).toThrow("event is closed");
  });
});

describeKernel("network namespaces", () => {
  it("hold for the work inside, errors or not", async () => {
    const { readlinkSync } = await import("node:fs");
    const own = () => readlinkSync("/proc/thread-self/ns/net");
    const before = own();
    using namespace = NetworkNamespace.create();
    expect(own()).toBe(before);
    expect(namespace.run(own)).not.toBe(before);
    expect(() =>
      namespace.run(() => {
        throw new Error("inside");
      }),
    ).toThrow("inside");
    expect(own()).toBe(before);
  });
});
