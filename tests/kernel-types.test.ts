import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Btf, parseBtf, readObject, typeIdsOf } from "@tsbpf/core";
import { loadKernelTypes } from "@tsbpf/core/kernel-types";
import { describe, expect, it } from "vitest";
import { commandLine } from "../packages/cli/src/testing/command-line.js";

const root = fileURLToPath(new URL("../", import.meta.url));
const path = "/sys/kernel/btf/vmlinux";
const release = existsSync("/proc/sys/kernel/osrelease") ? readFileSync("/proc/sys/kernel/osrelease", "utf8") : "";
const problem = release.startsWith("6.18.") && existsSync(path) ? "" : ` (needs a running Linux 6.18 with ${path})`;

type Result = { readonly verdict: string; readonly message: string };

function objects(): string[] {
  return ["testdata", "examples"].flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: "utf8" })
      // linked-*.o are halves of an object.
      .filter((file) => file.endsWith(".o") && !file.includes("linked-"))
      .map((file) => `${root}${folder}/${file}`),
  );
}

describe.skipIf(problem !== "")(`shipped kernel types beside the running kernel's${problem}`, () => {
  it("give the same verdicts", { timeout: 60_000 }, async () => {
    const kernel = parseBtf(new Uint8Array(readFileSync(path)));
    let programs = 0;
    for (const object of objects()) {
      const [shipped, running] = await Promise.all(
        [["--btf", "shipped"], []].map(async (words) => (await commandLine("verify", object, "--json", ...words)).out),
      );
      if (running === "") {
        expect(shipped).toBe("");
        continue;
      }
      // The running kernel's configuration is known with its types, and settles branches.
      const configured = readObject(new Uint8Array(readFileSync(object))).kconfig.length > 0;
      const essence = (text: string) =>
        JSON.parse(text).map(
          ({ verification_us: _, types: __, processed, states, ...result }: Record<string, unknown>) =>
            configured ? result : { ...result, processed, states },
        );
      const theirs: Result[] = essence(running!);
      essence(shipped!).forEach((result: Result, index: number) => {
        // What no kernel has can't be told from what was left out.
        const missing = /^the shipped kernel types do not have (\w+)/.exec(result.message)?.[1];
        if (missing === undefined) expect(result, object).toEqual(theirs[index]);
        else expect([result.verdict, kernel.findFlavors(missing)]).toEqual(["not_reached", []]);
      });
      programs += theirs.length;
    }
    expect(programs).toBeGreaterThan(100);
  });

  it("are the kernel's, member by member", async () => {
    const [shipped, running] = [await loadKernelTypes(), parseBtf(new Uint8Array(readFileSync(path)))];
    for (const name of ["task_struct", "sk_buff", "tcp_sock", "file", "cgroup", "xdp_buff", "bpf_map", "super_block"]) {
      expect(outline(shipped, name), name).toEqual(outline(running, name));
    }
  });
});

/** A struct as a list of its members, with the names and sizes of their types. */
function outline(types: Btf, name: string): unknown {
  const [id] = types.find(name, "struct");
  const struct = types.type(id!);
  if (struct.kind !== "struct") return undefined;
  return struct.members.map(({ name: member, type, bitOffset, bitSize }) => {
    const inner = typeIdsOf(types.type(type)).map((each) => `${types.kind(each)} ${types.name(each)}`);
    return {
      member,
      bitOffset,
      bitSize,
      kind: types.kind(type),
      name: types.name(type),
      size: types.size(type),
      inner,
    };
  });
}
