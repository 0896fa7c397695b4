#!/usr/bin/env node
import { existsSync } from "node:fs";

const main = new URL("../dist/main.js", import.meta.url);
if (!existsSync(main)) {
  console.error("tsbpf: this checkout isn't built yet: run `npm run build` first");
  process.exit(1);
}
const { runMain } = await import(main.href);
await runMain();
