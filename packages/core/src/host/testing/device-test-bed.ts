import type { DeviceHooks, Host } from "../index.js";

/** Devices of {@link DeviceTestBed}: `left` is joined to `right`, `back` to `out`. */
export type TestDevice = "left" | "right" | "out" | "back";

/**
 * Two network namespaces joined by two veth pairs: `left` and `back` are in the one, `right` and `out` in the other.
 * Nothing else lives there, and no device has an IPv6 address.
 */
export interface DeviceTestBed {
  readonly host: Host & DeviceHooks;
  /** Runs `work` with the namespace of `device` as the current one. */
  within<T>(device: TestDevice, work: () => T): T;
  index(device: TestDevice): number;
  mac(device: TestDevice): Uint8Array;
  /** Sends a frame out of a device. */
  send(device: TestDevice, frame: Uint8Array): void;
  /** What a packet socket of the device has seen since the last call, of frames with the contract's EtherType. */
  received(device: TestDevice): Uint8Array[];
  /** Gives the host time: up to `attempts` rounds, ending as soon as `condition` holds. */
  wait(condition: () => boolean, attempts: number): Promise<void>;
  close(): void;
}

/** EtherType of the contract's frames: for local experiments, so that nobody answers them. */
export const CONTRACT_ETHER_TYPE = 0x88b5;

/** A broadcast frame of 60 bytes with `mark` behind its header. */
export function contractFrame(mark: number): Uint8Array {
  const frame = new Uint8Array(60);
  frame.fill(0xff, 0, 6);
  frame.set([2, 0, 0, 0, 0, 1], 6);
  new DataView(frame.buffer).setUint16(12, CONTRACT_ETHER_TYPE);
  frame[14] = mark;
  return frame;
}

/** Is this one of the contract's frames, with a VLAN tag or without? */
export function isContractFrame(frame: Uint8Array): boolean {
  const type = (at: number) => (frame[at]! << 8) | frame[at + 1]!;
  return type(12) === CONTRACT_ETHER_TYPE || (type(12) === 0x8100 && type(16) === CONTRACT_ETHER_TYPE);
}

/** Where one part of the contract finds the devices, which exist only while tests run. */
export type DevicesUnderTest = () => DeviceTestBed;
