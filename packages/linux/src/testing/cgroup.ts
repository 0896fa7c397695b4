import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";

let created = 0;

/** Where cgroup v2 is mounted. */
function cgroupRoot(): string {
  const mount = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .find(([, , type]) => type === "cgroup2");
  if (mount === undefined) throw new Error("no cgroup2 is mounted");
  return mount[1]!;
}

/** A cgroup of the tests' own, without processes but for those that {@link run} starts. */
export class TestCgroup {
  readonly path: string;

  constructor(path = `${cgroupRoot()}/tsbpf-test-${process.pid}-${++created}`) {
    this.path = path;
    mkdirSync(path);
  }

  /** A cgroup below this one. */
  child(name: string): TestCgroup {
    return new TestCgroup(`${this.path}/${name}`);
  }

  /** Runs JavaScript in a Node process within the cgroup, in the calling thread's network namespace; what it prints. */
  run(script: string): string {
    const enter = `echo $$ > ${this.path}/cgroup.procs && exec "$0" -e "$1"`;
    const { stdout, stderr, status } = spawnSync("sh", ["-c", enter, process.execPath, script], {
      encoding: "utf8",
      timeout: 10_000,
    });
    if (status !== 0) throw new Error(`the script in the cgroup failed: ${stderr}`);
    return stdout.trim();
  }

  close(): void {
    rmdirSync(this.path);
  }
}
