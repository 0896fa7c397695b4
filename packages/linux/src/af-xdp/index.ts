export type { XdpStatistics } from "./setup.js";
export { XdpSocket, type XdpSocketOptions } from "./xdp-socket.js";
