export { btfIds, linkIds, mapIds, programIds } from "./ids.js";
export { type LinkInfo, type LinkType, linkInfo, linkTypes } from "./link-info.js";
export { dumpProgram, type ProgramDump } from "./program-dump.js";
export { type HookQuery, queryCgroup, queryTcx } from "./query.js";
export { enableStatistics } from "./statistics.js";
