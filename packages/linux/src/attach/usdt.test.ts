import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { findUsdt, Linux } from "../index.js";
import { describeKernel } from "../testing/kernel.js";
import { kernelObject } from "../testing/objects.js";

const source = fileURLToPath(new URL("../../../../testdata/kernel/probed.c", import.meta.url));
const x64 = process.arch === "x64";

describeKernel("a USDT probe", () => {
  it.skipIf(!x64)(
    `gives its arguments to a program${x64 ? "" : " (skipped: the probed program is for x86-64)"}`,
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "tsbpf-usdt-"));
      const path = join(folder, "probed");
      execFileSync("gcc", ["-O1", "-o", path, source]);
      const child = spawn(path, { stdio: ["pipe", "pipe", "inherit"] });
      try {
        using host = await Linux.open();
        using object = await host.load(kernelObject("usdt"), { pinRoot: null });
        const pass = async () => {
          child.stdin.write("\n");
          return Number(String(await once(child.stdout, "data")));
        };
        const get = (name: string) => object.variables[name]!.get();
        expect(await pass()).toBe(0);
        const options = { specs: object.map("__bpf_usdt_specs"), cookie: 55n, pid: child.pid };
        const link = host.attachUsdt(object.program("on_probe"), path, "tsbpf:passed", options);
        expect(await pass()).toBe(1);
        expect([get("runs"), get("cookie"), get("count")]).toEqual([1n, 55n, 3]);
        expect(get("arguments")).toEqual([-3n, 1n << 40n, 77n]);
        link.close();
        expect(await pass()).toBe(0);
        expect(get("runs")).toBe(1n);
        expect(() => findUsdt(path, "tsbpf:missing")).toThrow("has no USDT probe tsbpf:missing, only: tsbpf:passed");
      } finally {
        child.kill();
        rmSync(folder, { recursive: true });
      }
    },
  );
});
