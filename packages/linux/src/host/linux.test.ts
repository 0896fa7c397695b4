import { deviceContract, hostContract } from "../../../core/src/host/testing/index.js";
import { linuxTestBed } from "../testing/device-test-bed.js";
import { describeKernel } from "../testing/kernel.js";
import { Linux } from "./index.js";

describeKernel("Linux", () => {
  hostContract("Linux", () => Linux.open());
  deviceContract("Linux", linuxTestBed);
});
