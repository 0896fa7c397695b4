import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { BpfToken } from "../index.js";
import { lastErrno, libc, NativeBuffer, openReadOnly, syscallError, syscallNumbers } from "../sys/index.js";
import { describeKernel } from "../testing/kernel.js";

const { fsopen, fsconfig, fsmount, pidfdGetfd } = { fsopen: 430, fsconfig: 431, fsmount: 432, pidfdGetfd: 438 };
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;

/** In a user namespace of its own: opens a bpffs, waits for what is delegated, and uses it. Prints JSON lines. */
const script = `
  import { createInterface } from "node:readline";
  import { readFileSync } from "node:fs";
  import { Linux, kernelProblem } from "${new URL("../../dist/index.js", import.meta.url)}";
  import { libc, lastErrno, NativeBuffer } from "${new URL("../../dist/sys/index.js", import.meta.url)}";
  import { readObject } from "${new URL("../../../core/dist/object/index.js", import.meta.url)}";
  const say = (value) => console.log(JSON.stringify(value));
  const name = Buffer.from("bpf\\0");
  const { address, bytes } = new NativeBuffer(8);
  bytes.set(name);
  say({ fs: libc().syscall(${fsopen}, address, 0, 0, 0, 0), problem: kernelProblem() });
  const lines = createInterface(process.stdin)[Symbol.asyncIterator]();
  const { fs } = JSON.parse((await lines.next()).value);
  const mount = libc().syscall(${fsmount}, fs, 0, 0, 0, 0);
  if (mount < 0) throw new Error("fsmount: " + lastErrno());
  try {
    const host = await Linux.open({ token: "/proc/self/fd/" + mount });
    const path = new URL("${new URL("../../../../testdata/kernel/loading.bpf.o", import.meta.url)}");
    const object = await host.load(readObject(readFileSync(path)), { programs: ["entry", "tail_a", "tail_b"], pinRoot: null });
    object.variables.which.set(3);
    say({ retval: object.program("entry").testRun({ data: new Uint8Array(60) }).retval });
  } catch (error) {
    say({ error: error.message });
  }
  process.exit();`;

/** Opens a bpffs in a user namespace, mounts it with options of ours, and gives what the process there says of it. */
async function inUserNamespace(options: Readonly<Record<string, string>>) {
  const words = [
    "--user",
    "--map-root-user",
    "--mount",
    "--net",
    process.execPath,
    "--input-type=module",
    "-e",
    script,
  ];
  const child = spawn("unshare", words, { stdio: ["pipe", "pipe", "pipe"] });
  try {
    const lines: string[] = [];
    let errors = "";
    child.stderr.on("data", (text) => (errors += text));
    child.stdout.on("data", (text) => lines.push(...String(text).trim().split("\n")));
    const next = async () => {
      while (lines.length === 0) {
        await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
        if (lines.length === 0 && child.exitCode !== null) throw new Error(`the child ended: ${errors}`);
      }
      return JSON.parse(lines.shift()!);
    };
    const { fs, problem } = await next();
    delegate(child, fs, options);
    child.stdin.write(`${JSON.stringify({ fs })}\n`);
    return { problem, ...(await next()) };
  } finally {
    child.kill("SIGKILL");
  }
}

/** Makes the file system of the child's fd with mount options, as only we may. */
function delegate(child: ChildProcess, fs: number, options: Readonly<Record<string, string>>): void {
  const call = (number: number, ...words: number[]) => {
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = words;
    const result = libc().syscall(number, a, b, c, d, e);
    if (result < 0) throw syscallError(`system call ${number}`, lastErrno());
    return Number(result);
  };
  const process = call(syscallNumbers().pidfdOpen, child.pid!);
  const copy = call(pidfdGetfd, process, fs);
  for (const [key, value] of Object.entries(options)) {
    const text = new NativeBuffer(64);
    text.bytes.set(new TextEncoder().encode(`${key}\0${value}\0`));
    call(fsconfig, copy, FSCONFIG_SET_STRING, text.address, text.address + key.length + 1, 0);
  }
  call(fsconfig, copy, FSCONFIG_CMD_CREATE, 0, 0, 0);
  libc().close(copy);
  libc().close(process);
}

const everything = { delegate_cmds: "any", delegate_maps: "any", delegate_progs: "any", delegate_attachs: "any" };

describeKernel("a BPF token", () => {
  it("lets a process of a user namespace load what was delegated to it", async () => {
    const { problem, retval } = await inUserNamespace(everything);
    expect(problem).toContain("EPERM");
    expect(retval).toBe(103);
  });

  it("gives no more than that", async () => {
    const { error } = await inUserNamespace({ ...everything, delegate_maps: "1" });
    expect(error).toContain("EPERM");
    expect((await inUserNamespace({})).error).toContain("the bpffs was mounted without delegate_ options");
  });

  it("is not for the first user namespace, nor made of just any folder", () => {
    expect(() => BpfToken.create("/tmp")).toThrow("EINVAL (not the root of a bpffs");
    expect(() => BpfToken.create("/nowhere")).toThrow("ENOENT");
    using folder = openReadOnly("/");
    expect(() => BpfToken.create(folder.number)).toThrow("BPF_TOKEN_CREATE of fd");
  });
});
