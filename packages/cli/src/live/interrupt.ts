import type { Session } from "../session.js";

/** What a timer can hold: longer than it will be waited for. */
const FOR_GOOD = 2 ** 31 - 1;

/** Waits for Ctrl-C or SIGTERM. Keeps the process alive meanwhile. */
export async function untilInterrupted({ remote }: Session): Promise<void> {
  if (remote !== undefined) return remote.untilInterrupted();
  while ((await wait(FOR_GOOD)) === "over");
}

/** Waits for so many seconds, or until Ctrl-C or SIGTERM comes. Keeps the process alive meanwhile. */
export function pause(seconds: number): Promise<"over" | "interrupted"> {
  return wait(Math.min(seconds * 1000, FOR_GOOD));
}

function wait(milliseconds: number): Promise<"over" | "interrupted"> {
  return new Promise((resolve) => {
    const end = (how: "over" | "interrupted") => {
      clearTimeout(timer);
      process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
      resolve(how);
    };
    const interrupt = () => end("interrupted");
    const timer = setTimeout(() => end("over"), milliseconds);
    process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  });
}
