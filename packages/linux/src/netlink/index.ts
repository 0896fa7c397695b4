export { networkInterfaceName } from "./interface-name.js";
export { attribute, type NetlinkMessage, NLM_F, parseAttributes } from "./message.js";
export { RouteSocket } from "./socket.js";
