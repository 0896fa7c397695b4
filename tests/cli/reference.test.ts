import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { commandLine } from "../../packages/cli/src/testing/command-line.js";

async function printed(...words: string[]): Promise<string> {
  const { status, out, err } = await commandLine(...words);
  expect([words, status, err]).toEqual([words, 0, ""]);
  return out;
}

/** Names of all verbs, as help lists them. */
async function verbNames(): Promise<string[]> {
  const help = await printed("--help");
  const [, commands = ""] = help.split("Commands:\n");
  return [...commands.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name!).filter((name) => name !== "help");
}

describe("help", () => {
  it("of every verb has examples that begin with tsbpf", async () => {
    const names = await verbNames();
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(await printed(name, "--help"), name).toMatch(/Examples:\n( *# .*\n)? +.*tsbpf /);
  });
});

describe("completion", () => {
  /** What bash offers for a command line whose last word is being written. */
  async function bashOffers(...words: string[]): Promise<string[]> {
    const script = await printed("completion", "bash");
    const quoted = ["tsbpf", ...words].map((word) => `'${word}'`).join(" ");
    const ask = `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _tsbpf; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, status, stderr } = spawnSync("bash", ["-c", `${script}\n${ask}`], { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
    return stdout.split("\n").filter((line) => line !== "");
  }

  it("in bash: verbs, commands, keywords, options and their choices", async () => {
    expect(await bashOffers("p")).toEqual(["prog", "perf"]);
    expect(await bashOffers("-j", "prog", "d")).toEqual(["dump", "detach"]);
    expect(await bashOffers("prog", "dump", "xlated", "name", "x", "l")).toEqual(["linum"]);
    expect(await bashOffers("run", "--en")).toEqual(["--engine"]);
    expect(await bashOffers("run", "x.o", "--engine", "")).toEqual(["jit", "interpreter"]);
    expect(await bashOffers("net", "attach", "tcx")).toEqual(["tcx_ingress", "tcx_egress"]);
    // Nothing of tsbpf's: bash offers files.
    expect(await bashOffers("run", "x")).toEqual([]);
  });

  it.each(["bash", "zsh", "fish"])(
    "%s knows every verb, and the shell takes the script where it is installed",
    async (shell) => {
      const script = await printed("completion", shell);
      for (const name of await verbNames()) expect(script).toMatch(new RegExp(`\\b${name}\\b`));
      if (spawnSync(shell, ["--version"]).error !== undefined) return;
      const { status, stderr } = spawnSync(shell, ["-n"], { input: script, encoding: "utf8" });
      expect([status, stderr]).toEqual([0, ""]);
    },
  );
});

describe("man", () => {
  it("has every verb and exit status, and groff has nothing against it", async () => {
    const page = await printed("man");
    for (const name of await verbNames()) expect(page).toContain(`.SS ${name}\n`);
    for (const status of [0, 1, 2, 3, 4, 5, 130]) expect(page).toContain(`.B ${status}\n`);
    expect(page).toBe(await printed("man"));
    const { error, stderr } = spawnSync("groff", ["-man", "-ww", "-Tutf8"], { input: page, encoding: "utf8" });
    if (error === undefined) expect(stderr).toBe("");
  });
});
