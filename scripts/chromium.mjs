import { existsSync } from "node:fs";
import { chromium } from "playwright";

/** How Chromium is started: the one of TSBPF_CHROMIUM, or Debian's. Root has no sandbox. */
export const launchOptions = {
  executablePath: process.env.TSBPF_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
};

/** Why there is no Chromium to run in, by starting it; undefined where it runs WebAssembly. */
export async function chromiumProblem() {
  const { executablePath } = launchOptions;
  if (!existsSync(executablePath)) return `there is no ${executablePath} (set TSBPF_CHROMIUM to another path)`;
  try {
    const browser = await chromium.launch({ ...launchOptions, timeout: 60_000 });
    try {
      const page = await browser.newPage();
      if ((await page.evaluate("typeof WebAssembly")) !== "object") return `${executablePath} has no WebAssembly`;
    } finally {
      await browser.close();
    }
  } catch (error) {
    return `${executablePath} doesn't start: ${String(error.message).split("\n")[0]}`;
  }
  return undefined;
}
