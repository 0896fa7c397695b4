import type { Host } from "../index.js";

/** Where one part of the contract finds the host, which exists only while tests run. */
export type HostUnderTest = () => Host;
