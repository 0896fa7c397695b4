import { EINVAL, ENOENT } from "../../abi/index.js";
import { decodeText, encodeText } from "../../base/index.js";
import { failure } from "../failure.js";
import type { Namespace } from "./namespace.js";

/** A setting of a namespace: a number. */
interface Setting {
  read(namespace: Namespace): number;
  write(namespace: Namespace, value: number): void;
}

const settings: Readonly<Record<string, Setting>> = {
  "net/ipv4/ip_forward": {
    read: ({ stack }) => Number(stack.forwarding[4]),
    write: (namespace, value) => namespace.forward(4, value !== 0),
  },
  "net/ipv6/conf/all/forwarding": {
    read: ({ stack }) => Number(stack.forwarding[6]),
    write: (namespace, value) => namespace.forward(6, value !== 0),
  },
};

/**
 * The text of a namespace's setting, by its name with dots or slashes, as a task of the current cgroup reads it.
 *
 * @throws SyscallError ENOENT, EPERM and the like where a program of the cgroup says so.
 */
export function readSysctl(namespace: Namespace, name: string): string {
  const [path, setting] = settingOf(name);
  const text = `${setting.read(namespace)}\n`;
  askForSysctl(namespace, path, text, undefined);
  return text;
}

/** As {@link readSysctl}; programs may put another value in its place. @throws SyscallError EINVAL for what is no number. */
export function writeSysctl(namespace: Namespace, name: string, value: string): void {
  const [path, setting] = settingOf(name);
  const written = askForSysctl(namespace, path, `${setting.read(namespace)}\n`, value) ?? value;
  const number = /^\s*-?\d+\s*\0?$/.test(written) ? Number.parseInt(written, 10) : undefined;
  if (number === undefined) throw failure(`write ${path}`, EINVAL, `'${written}' is no number`);
  setting.write(namespace, number);
}

function settingOf(name: string): [path: string, setting: Setting] {
  const path = name.replaceAll(".", "/");
  const setting = settings[path];
  if (setting === undefined)
    throw failure("open", ENOENT, `there is no ${path}; there are ${Object.keys(settings).join(", ")}`);
  return [path, setting];
}

/**
 * Asks the programs of the current cgroup about a setting that is read, or written with `value`: what is to be written.
 *
 * @throws SyscallError EPERM and the like where they forbid it.
 */
export function askForSysctl(
  namespace: Namespace,
  path: string,
  current: string,
  value: string | undefined,
): string | undefined {
  const { hooks, cgroups } = namespace.network;
  const written = value === undefined ? undefined : encodeText(value);
  const asked = hooks.sysctl({ cgroup: cgroups.current, namespace }, path, encodeText(current), written);
  const call = value === undefined ? "read" : "write";
  if (asked.error !== 0) throw failure(`${call} ${path}`, -asked.error, "a program of the cgroup forbids it");
  return asked.value && decodeText(asked.value);
}
