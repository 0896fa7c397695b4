import { afterAll, beforeAll, describe } from "vitest";
import type { DeviceTestBed } from "./device-test-bed.js";
import { tcContract } from "./tc-contract.js";
import { xdpDeviceContract } from "./xdp-device-contract.js";

/** What every host promises about programs on network devices: hooks fire because frames move. */
export function deviceContract(name: string, createTestBed: () => DeviceTestBed | Promise<DeviceTestBed>): void {
  describe(`${name} keeps the contract of devices`, () => {
    let bed: DeviceTestBed | undefined;
    beforeAll(async () => {
      bed = await createTestBed();
    });
    afterAll(() => bed?.close());
    const underTest = () => bed!;

    xdpDeviceContract(underTest);
    tcContract(underTest);
  });
}
