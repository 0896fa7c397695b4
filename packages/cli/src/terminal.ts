import { styleText } from "node:util";

/** A colour or weight, or several. */
export type Style = Parameters<typeof styleText>[0];

/** Where a command prints: standard output and error, and what may be drawn there. */
export interface Terminal {
  /** Writes to standard output as it stands. */
  write(text: string): void;
  /** A line on standard output. */
  print(line?: string): void;
  /** A line on standard error. */
  warn(line: string): void;
  /** Colours `text` where standard output is a terminal that wants colour. */
  style(style: Style, text: string): string;
  /** A line that replaces itself on standard error; does nothing unless that is a terminal. */
  status(line: string): void;
  /** Resolves when a reader slower than the command has taken what was written; undefined where nothing waits for one. */
  drained?(): Promise<void>;
  /** Is standard output a terminal? What is not sure is taken for a file. */
  readonly isTerminal?: boolean;
  /** Columns of the terminal; 80 where there is none. */
  readonly columns: number;
  /** Lines of the terminal; undefined where there is none. */
  readonly rows?: number | undefined;
}

/** The process's own terminal. Colour follows NO_COLOR and FORCE_COLOR (no-color.org), and is off in a pipe. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  // A reader that has seen enough (`| head`) closes the pipe: that ends the command quietly, as it does for others.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
    throw error;
  });
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0";
  const colour = forced || (stdout.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb");
  let statusShown = false;
  const clearStatus = () => {
    if (statusShown) stderr.write("\r\x1b[K");
    statusShown = false;
  };
  process.on("exit", clearStatus);
  return {
    write(text) {
      clearStatus();
      stdout.write(text);
    },
    print(line = "") {
      clearStatus();
      stdout.write(`${line}\n`);
    },
    warn(line) {
      clearStatus();
      stderr.write(`${line}\n`);
    },
    style: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
    status(line) {
      if (stderr.isTTY !== true) return;
      stderr.write(`\r\x1b[K${line.slice(0, (stderr.columns ?? 80) - 1)}`);
      statusShown = line !== "";
    },
    drained: () =>
      new Promise((resolve) => {
        if (stdout.writableNeedDrain) stdout.once("drain", resolve);
        else setImmediate(resolve);
      }),
    isTerminal: stdout.isTTY === true,
    get columns() {
      return stdout.columns ?? 80;
    },
    get rows() {
      return stdout.rows;
    },
  };
}
