// Asks the kernel about programs that share the environment's maps and BTF, which are made once.
import { attachTypeId, programTypeId } from "../../packages/core/dist/index.js";
import { lastMessage, parseVerifierStatistics } from "../../packages/linux/dist/oracle/verifier-log.js";
import { bpf, createMap, libc, loadBtf, loadProgram, withCapabilities } from "../../packages/linux/dist/sys/index.js";
import { btfBytes, mapFd, oracleMaps } from "./environment.mjs";

let descriptors;
let btfFd;

function open() {
  if (descriptors !== undefined) return;
  const { result, log } = loadBtf(btfBytes);
  if (result < 0) throw new Error(`the environment's BTF: ${log}`);
  btfFd = result;
  descriptors = new Map();
  for (const map of oracleMaps) descriptors.set(map.fd, makeMap(map));
}

/** The capabilities that the maps are made with: those of the first program asked about. */
let held;

function makeMap(map) {
  return held === undefined ? makeMapNow(map) : withCapabilities(held, () => makeMapNow(map));
}

function makeMapNow({ fd: _fd, innerFd, contents = [], freeze, ...map }) {
  const typed = map.valueTypeId !== undefined;
  const fd = createMap({ ...map, innerMapFd: descriptors.get(innerFd), btfFd: typed ? btfFd : undefined });
  for (const { key, value } of contents) bpf("BPF_MAP_UPDATE_ELEM", { map_fd: fd, key, value });
  if (freeze) bpf("BPF_MAP_FREEZE", { map_fd: fd });
  return fd;
}

/** Maps that can hold programs belong to the kind of the first program that refers to them: everyone gets new ones. */
const owned = [mapFd.programs, mapFd.devices, mapFd.cpus];

function renewMaps(insns, all) {
  const view = new DataView(insns.buffer, insns.byteOffset, insns.byteLength);
  const made = new Set();
  for (let at = 0; at + 8 <= insns.length; at += 8) {
    const fd = insns[at] === 0x18 ? view.getInt32(at + 4, true) : 0;
    if (owned.includes(fd) || (all && descriptors.has(fd))) made.add(fd);
  }
  for (const fd of made) {
    libc().close(descriptors.get(fd));
    descriptors.set(fd, makeMap(oracleMaps.find((map) => map.fd === fd)));
  }
}

/** The kernel's descriptor of the map that programs name by `fd`. */
export function kernelMap(fd) {
  return descriptors.get(fd);
}

function withDescriptors(insns) {
  const patched = new Uint8Array(insns);
  const view = new DataView(patched.buffer);
  for (let at = 0; at + 8 <= patched.length; at += 8) {
    if (patched[at] !== 0x18) continue;
    const source = patched[at + 1] >> 4;
    const fd = source === 1 || source === 2 ? descriptors.get(view.getInt32(at + 4, true)) : undefined;
    if (fd !== undefined) view.setInt32(at + 4, fd, true);
    at += 8;
  }
  return patched;
}

function functionRecords(functions) {
  const bytes = new Uint8Array(functions.length * 8);
  const view = new DataView(bytes.buffer);
  functions.forEach(({ slot, typeId }, index) => {
    view.setUint32(index * 8, slot, true);
    view.setUint32(index * 8 + 4, typeId, true);
  });
  return { bytes, recordSize: 8 };
}

/**
 * The kernel's verdict. `keep` leaves an accepted program loaded: its `fd` is the caller's to close; `newMaps` has its maps
 * made anew, and `around` is what it is loaded within. Level 4 is enough for the message; a trace of a million instructions is too long.
 */
export function askKernel(program, options = {}) {
  if (descriptors === undefined) held = program.capabilities;
  open();
  renewMaps(program.insns, options.newMaps ?? false);
  return (options.around ?? ((work) => work()))(() => load(program, options));
}

function load(program, options) {
  const { capabilities } = program;
  return capabilities === undefined
    ? loadNow(program, options)
    : withCapabilities(capabilities, () => loadNow(program, options));
}

function loadNow({ insns, type, attachType, flags, functions, license = "GPL" }, { logLevel = 4, keep = false }) {
  const { result, log } = loadProgram({
    type: programTypeId(type),
    expectedAttachType: attachType === undefined ? 0 : attachTypeId(attachType),
    insns: withDescriptors(insns),
    license,
    flags,
    btfFd: functions === undefined ? undefined : btfFd,
    functions: functions === undefined ? undefined : functionRecords(functions),
    logLevel,
  });
  if (result >= 0 && !keep) libc().close(result);
  return {
    accepted: result >= 0,
    fd: keep && result >= 0 ? result : undefined,
    errno: result < 0 ? -result : 0,
    message: result < 0 ? lastMessage(log) : "",
    log,
    ...parseVerifierStatistics(log),
  };
}
