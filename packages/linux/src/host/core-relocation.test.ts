import { readFileSync } from "node:fs";
import { BpfError } from "@tsbpf/core";
import { readObject } from "@tsbpf/core/object";
import { expect, it } from "vitest";
import { describeKernel } from "../testing/kernel.js";
import { Linux } from "./index.js";

const task = new URL("../../../../testdata/core/task.clang-22.o", import.meta.url);

describeKernel("CO-RE on the running kernel", () => {
  it("reads fields where this kernel has them", async () => {
    using host = await Linux.open();
    using object = await host.load(readObject(new Uint8Array(readFileSync(task))));
    object.program("read_task").testRun();
    expect(object.variables.tgid!.get()).toBe(process.pid);
    const running = readFileSync("/proc/thread-self/comm", "utf8").trim();
    expect(object.variables.comm!.get()).toBe(running);
    expect(object.variables.has_namespaces!.get()).toBe(true);
    expect(object.variables.has_no_such_member!.get()).toBe(false);
  });

  it("is refused by the verifier where it cannot do without a missing field", async () => {
    using host = await Linux.open();
    const object = readObject(new Uint8Array(readFileSync(task)));
    const loading = host.load(object, { programs: ["unguarded"] });
    await expect(loading).rejects.toThrow(BpfError);
    await expect(loading).rejects.toThrow("invalid func unknown#195896080");
  });
});
