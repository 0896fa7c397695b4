/** What two logs of level 2 can be compared by: addresses, times and stack liveness apart. */
function comparable(log) {
  return log
    .replace(/= 0x[0-9a-f]{12,16}(?= *;| *$)/gm, (text) => (text.startsWith("= 0xffff") ? "= 0x0" : text))
    .split("\n")
    .filter(
      (line) =>
        !/^\([0-9,]+\) |^verification time|^stack depth|live stack update|^verifier bug: REG INVARIANTS/.test(line),
    )
    .map((line) => line.replace(/ +;/, " ;").trimEnd());
}

/** Where the kernel's log and ours part, with some lines before; undefined where they are equal. */
export function firstDifference(kernel, ours) {
  const a = comparable(kernel);
  const b = comparable(ours);
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i] !== b[i]) return { line: i, before: a.slice(Math.max(0, i - 8), i), kernel: a[i], ours: b[i] };
  }
  return undefined;
}
