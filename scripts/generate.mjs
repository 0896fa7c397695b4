#!/usr/bin/env node
// Builds the objects in testdata/, examples/ and benchmarks/ from the C sources beside them.
//
//     npm run generate               rebuild all
//     npm run generate -- FILE.c     rebuild some
//     npm run generate -- --check    build into a temporary folder; fail where the committed object differs
//
// A source says what is made of it, one line an object, the compiler's flags last:
//
//     // generate: maps.clang-14.o clang-14 -mcpu=v2
//
// A source without such a line becomes one object (`x.bpf.c` -> `x.bpf.o`) by clang-19 for ISA v3. DWARF is removed
// unless the flags have `+dwarf`; BTF stays. No path of this machine gets into an object: the compiler runs at the
// root and is told that its folder is ".".
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const multiarch = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" }[process.arch];
const strip = "llvm-strip-22";

/** @returns {string[]} sources, relative to the root */
function findSources() {
  return (
    ["benchmarks", "examples", "testdata"]
      .flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)),
      )
      // What records the captures is built by captures/record.sh when it runs.
      .filter((path) => path.endsWith(".bpf.c") && !path.startsWith("examples/captures/"))
      .sort()
  );
}

/** @returns {{ source: string, object: string, compiler: string, flags: string[], dwarf: boolean }[]} */
function planOf(source) {
  const lines = readFileSync(join(root, source), "utf8").match(/^\/\/ generate: .*$/gm) ?? [];
  const specs = lines.length > 0 ? lines : [`// generate: ${basename(source, ".c")}.o clang-19 -mcpu=v3`];
  return specs.map((line) => {
    const [object, compiler, ...flags] = line.replace("// generate: ", "").trim().split(/\s+/);
    return {
      source,
      object: join(dirname(source), object),
      compiler,
      flags: flags.filter((flag) => flag !== "+dwarf"),
      dwarf: flags.includes("+dwarf"),
    };
  });
}

function build({ source, compiler, flags, dwarf }, output) {
  const target = flags.some((flag) => flag.startsWith("--target=")) ? [] : ["--target=bpf"];
  const headers = multiarch === undefined ? [] : ["-idirafter", `/usr/include/${multiarch}`];
  const paths = ["-ffile-compilation-dir=.", ...headers, "-Iexamples"];
  const warnings = ["-Wall", "-Werror", "-Wno-unused-value"];
  const args = [...target, "-O2", "-g", ...flags, ...warnings, ...paths, "-c", source, "-o", output];
  run(compiler, args);
  if (!dwarf) run(strip, ["--strip-debug", output]);
}

function run(program, args) {
  try {
    execFileSync(program, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  } catch (error) {
    if (error.code === "ENOENT") fail(`${program} is not installed; .ci/run lists the packages that the objects need`);
    fail(`${program} ${args.join(" ")}`);
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

function main() {
  const check = process.argv.includes("--check");
  const named = process.argv.slice(2).filter((argument) => !argument.startsWith("-"));
  const sources = named.length > 0 ? named.map((path) => relative(root, path)) : findSources();
  const plan = sources.flatMap(planOf);
  const folder = check ? mkdtempSync(join(tmpdir(), "tsbpf-generate-")) : root;
  const changed = [];
  for (const step of plan) {
    const output = join(folder, step.object);
    mkdirSync(dirname(output), { recursive: true });
    const committed = join(root, step.object);
    const before = existsSync(committed) ? readFileSync(committed) : undefined;
    build(step, output);
    if (before === undefined || !before.equals(readFileSync(output))) changed.push(step.object);
  }
  if (check) rmSync(folder, { recursive: true });
  for (const object of changed) console.log(`${check ? "differs from its source" : "changed"}: ${object}`);
  console.log(`${plan.length} objects, ${changed.length} ${check ? "differ" : "changed"}`);
  if (check && changed.length > 0) process.exit(1);
}

main();
