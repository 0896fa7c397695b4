import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { arch, tmpdir } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";
import { CommandError } from "./command-error.js";

/** Newest first: a later clang knows more of the instruction set and writes better BTF. */
const compilers = ["clang", ...Array.from({ length: 9 }, (_, index) => `clang-${22 - index}`)];

const targetArchitectures: Readonly<Record<string, string>> = {
  x64: "x86",
  arm64: "arm64",
  s390x: "s390",
  riscv64: "riscv",
};

/**
 * Compiles a C source to a BPF object as users of libbpf do: `clang -g -O2 -target bpf -D__TARGET_ARCH_…`, with the
 * source's own folder and the system's multiarch headers on the include path. `TSBPF_CLANG` names another compiler and
 * `TSBPF_CFLAGS` adds options, split at blanks.
 *
 * @throws CommandError when there is no clang, and with the compiler's own messages when it refuses.
 */
export async function compileObject(source: string): Promise<Uint8Array> {
  const clang = await findCompiler();
  const folder = await mkdtemp(join(tmpdir(), "tsbpf-"));
  try {
    const output = join(folder, `${basename(source, extname(source))}.o`);
    const { status, stderr } = await execute(clang, [...compileOptions(source), "-c", resolve(source), "-o", output]);
    if (status !== 0) {
      throw new CommandError(`${source}: ${clang} found errors`, { hint: stderr.trimEnd() });
    }
    return new Uint8Array(await readFile(output));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function compileOptions(source: string): string[] {
  const target = targetArchitectures[arch()];
  const multiarch = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" }[arch() as string];
  return [
    "-g",
    "-O2",
    "-target",
    "bpf",
    "-mcpu=v3",
    "-Wall",
    ...(target === undefined ? [] : [`-D__TARGET_ARCH_${target}`]),
    ...(multiarch === undefined ? [] : [`-I/usr/include/${multiarch}`]),
    `-I${dirname(resolve(source))}`,
    ...(process.env.TSBPF_CFLAGS ?? "").split(/\s+/).filter(Boolean),
  ];
}

async function findCompiler(): Promise<string> {
  const candidates = process.env.TSBPF_CLANG ? [process.env.TSBPF_CLANG] : compilers;
  for (const candidate of candidates) {
    const found = await execute(candidate, ["--version"]).catch(() => undefined);
    if (found?.status === 0) return candidate;
  }
  throw new CommandError(
    `a C source needs clang, and none of ${candidates[0]}${candidates.length > 1 ? `, ${candidates[1]} ... ${candidates.at(-1)}` : ""} is here`,
    { hint: "install clang, or give a built object (.o)" },
  );
}

function execute(command: string, words: readonly string[]): Promise<{ status: number | null; stderr: string }> {
  return new Promise((fulfil, reject) => {
    const child = spawn(command, words, { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      if (stderr.length < 1 << 20) stderr += chunk;
    });
    child.on("error", reject).on("close", (status) => fulfil({ status, stderr }));
  });
}
