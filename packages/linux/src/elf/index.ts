export { Executable, type FunctionSymbol } from "./executable.js";
export { type UsdtProbe, usdtProbes } from "./usdt.js";
