import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Btf, parseBtf, printC, printRaw, resolve, type TypeId } from "@tsbpf/core/btf";
import { readObject } from "@tsbpf/core/object";
import { describe, expect, it } from "vitest";

const vmlinux = "/sys/kernel/btf/vmlinux";
const testdata = new URL("../testdata/", import.meta.url);

const clang = ["clang-22", "clang-19", "clang"].find((name) => works(name, "--print-targets", "bpf"));
const bpftool = works("bpftool", "version", "bpftool") ? "bpftool" : undefined;

function works(program: string, argument: string, expected: string): boolean {
  try {
    return execFileSync(program, [argument], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).includes(
      expected,
    );
  } catch {
    return false;
  }
}

const objects = ["btf/", "core/", "objects/"]
  .flatMap((folder) => readdirSync(new URL(folder, testdata)).map((name) => folder + name))
  // The compiler's own BTF is little-endian, and some objects are made without any.
  .filter((name) => name.endsWith(".o") && !name.includes("big-endian") && btfOf(name) !== undefined);

function btfOf(name: string): Btf | undefined {
  return readObject(new Uint8Array(readFileSync(new URL(name, testdata)))).btf;
}

/** Every named struct and union as a line: size, and members with their places, those of anonymous ones as C has them. */
function layouts(btf: Btf): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (let id = 1; id < btf.length; id++) {
    const kind = btf.kind(id);
    if ((kind !== "struct" && kind !== "union") || btf.name(id) === "") continue;
    const name = `${kind} ${btf.name(id).replace(/___\d+$/, "")}`;
    const known = found.get(name) ?? new Set();
    found.set(name, known.add(`${btf.size(id)} ${places(btf, id, 0).join(" ")}`));
  }
  return found;
}

function places(btf: Btf, id: TypeId, base: number): string[] {
  const type = btf.type(resolve(btf, id));
  if (type.kind !== "struct" && type.kind !== "union") return [];
  return type.members.flatMap((member) => {
    const at = base + member.bitOffset;
    if (member.name === "") return places(btf, member.type, at);
    const inner = btf.type(resolve(btf, member.type));
    const nested = "name" in inner && inner.name === "" ? places(btf, member.type, at) : [];
    return [`${member.name}@${at}:${member.bitSize}+${btf.size(member.type)}`, ...nested];
  });
}

/** Compiles a header with a variable of every type that it defines and that is wanted, and reads the compiler's BTF. */
function compile(header: string, wanted: (tag: string) => boolean): Btf | undefined {
  const folder = mkdtempSync(join(tmpdir(), "tsbpf-print-"));
  try {
    const definitions = [
      ...header.matchAll(/^((?:struct|union) \w+) \{/gm),
      ...header.matchAll(/^\}(?: .*)? (\w+);$/gm),
    ];
    const variables = definitions.map(([, type], i) => (wanted(type!) ? `${type} v${i};\n` : ""));
    const [source, object] = [join(folder, "types.c"), join(folder, "types.o")];
    writeFileSync(source, header + variables.join(""));
    execFileSync(clang!, ["--target=bpf", "-g", "-w", "-c", source, "-o", object], { stdio: "pipe" });
    return readObject(new Uint8Array(readFileSync(object))).btf;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns the number of layouts that were compared. */
function expectSameLayouts(btf: Btf, wanted: (tag: string) => boolean = () => true): number {
  const compiled = compile(printC(btf, { preserveAccessIndex: false }), wanted);
  const actual = compiled === undefined ? new Map() : layouts(compiled);
  const expected = [...layouts(btf)]
    .filter(([name]) => wanted(name))
    .flatMap(([name, each]) => [...each].map((layout) => ({ name, layout })));
  const different = expected.filter(({ name, layout }) => !actual.get(name)?.has(layout));
  expect(different).toEqual([]);
  return expected.length;
}

describe.skipIf(clang === undefined)("types printed as C (skipped without a clang that has the BPF target)", () => {
  it.each(objects)("%s compiles to the same layouts", (name) => {
    expectSameLayouts(btfOf(name)!);
  });

  it("has layouts to check", () => {
    expect(expectSameLayouts(btfOf("btf/layouts.clang-22.o")!)).toBe(15);
  });

  it.skipIf(!existsSync(vmlinux))("the running kernel's compile to the same layouts (skipped without its BTF)", () => {
    const btf = parseBtf(readFileSync(vmlinux));
    // All of the header is compiled; of the 10,000 types the hard ones are compared: bit fields, and all of the network's.
    const hard = new Set<string>();
    for (const [name, each] of layouts(btf)) {
      if (/ (sk|net|ip|tcp|x)\w*$/.test(name) || [...each].some((layout) => /:[1-9]/.test(layout))) hard.add(name);
    }
    expect(expectSameLayouts(btf, (name) => hard.has(name.replace(/___\d+$/, "")))).toBeGreaterThan(1000);
  });
});

describe.skipIf(bpftool === undefined)("types printed raw (skipped without bpftool)", () => {
  const same = (btf: Btf, path: string) => {
    const expected = execFileSync("bpftool", ["btf", "dump", "file", path], { encoding: "utf8", maxBuffer: 1 << 28 });
    // Not toBe: a difference between 300,000 lines would be printed for minutes.
    expect(printRaw(btf) === expected).toBe(true);
  };

  it.each(objects)("%s as bpftool prints it", (name) => {
    same(btfOf(name)!, new URL(name, testdata).pathname);
  });

  it.skipIf(!existsSync(vmlinux))("the running kernel's as bpftool prints them (skipped without its BTF)", () => {
    same(parseBtf(readFileSync(vmlinux)), vmlinux);
  });
});
