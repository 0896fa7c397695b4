import type { Session } from "../session.js";

/** Waits for Ctrl-C or SIGTERM. Keeps the process alive meanwhile. */
export function untilInterrupted({ remote }: Session): Promise<void> {
  if (remote !== undefined) return remote.untilInterrupted();
  return new Promise((resolve) => {
    const alive = setInterval(() => {}, 1 << 30);
    const stop = () => {
      clearInterval(alive);
      process.off("SIGINT", stop).off("SIGTERM", stop);
      resolve();
    };
    process.on("SIGINT", stop).on("SIGTERM", stop);
  });
}
