import { readFileSync } from "node:fs";
import { transformWithOxc } from "vite";
import { expect, it } from "vitest";
import { type Linux, NetworkNamespace } from "../packages/linux/src/index.js";
import { describeKernel } from "../packages/linux/src/testing/kernel.js";

const page = readFileSync(new URL("../docs/kernel-host.md", import.meta.url), "utf8");
const examples = [...page.matchAll(/^```ts\n(.+?)^```/gms)].map(([, code]) => code!);
const modules: Readonly<Record<string, () => Promise<unknown>>> = {
  "node:fs": () => import("node:fs"),
  "@tsbpf/core/object": () => import("../packages/core/src/object/index.js"),
  "@tsbpf/linux": () => import("../packages/linux/src/index.js"),
};
const AsyncFunction = (async () => {}).constructor as new (
  ...words: string[]
) => (...values: unknown[]) => Promise<void>;

/** What an example prints. Its waiting takes a moment only. */
async function run(source: string, namespace: NetworkNamespace): Promise<string[]> {
  const body = source
    .replace(/^import (\{.*\}) from (".*");$/gm, "const $1 = await load($2);")
    // Not every Node has it.
    .replace(/^using (\w+) = (.*?);( *\/\/.*)?$/gm, "const $1 = opened($2);");
  const { code } = await transformWithOxc(`async function example() {${body}}`, "example.ts", { target: "es2022" });
  const printed: string[] = [];
  const open: { close(): void }[] = [];
  const around = {
    // The device is that of a namespace of the test's own, whatever the example has awaited before.
    attach: (host: Linux, ...words: Parameters<Linux["attachXdp"]>) => namespace.run(() => host.attachXdp(...words)),
    opened: <T extends { close(): void }>(made: T): T => {
      open.push(made);
      return made;
    },
    load: (name: string) => modules[name]!(),
    console: { log: (...values: unknown[]) => printed.push(values.join(" ")) },
    setTimeout: (work: () => void) => setTimeout(work, 10),
    process: { argv: ["node", "example"] },
  };
  try {
    await new AsyncFunction(...Object.keys(around), `${code}; await example();`)(...Object.values(around));
  } finally {
    for (const each of open.reverse()) each.close();
  }
  return printed;
}

describeKernel("the page on the kernel host", () => {
  it("has examples that run", async () => {
    expect(examples.length).toBe(2);
    using namespace = NetworkNamespace.create();
    const [first, second] = [examples[0]!.replace("host.attachXdp(", "attach(host, "), examples[1]!];
    expect(first).not.toBe(examples[0]);
    expect(await run(first, namespace)).toEqual([expect.stringMatching(/^xdp link \d+; \d+ sources can be blocked$/)]);
    const printed = await run(second, namespace);
    expect(printed).toEqual([expect.stringMatching(/^true {2}2 \d+$/), "2"]);
  });
});
