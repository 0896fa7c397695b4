export { CaptureReader } from "./capture-reader.js";
export { CapturedPacket } from "./captured-packet.js";
export { type LinkTypeName, linkTypeName, linkTypes } from "./link-type.js";
export { PcapWriter, type PcapWriterOptions } from "./pcap-writer.js";
