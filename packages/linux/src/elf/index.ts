export { Executable, type FunctionSymbol } from "./executable.js";
export { type UsdtProbe, usdtProbes } from "./usdt.js";
export { encodeUsdtSpec, parseUsdtArguments, USDT_SPEC_SIZE, type UsdtArgument } from "./usdt-arguments.js";
