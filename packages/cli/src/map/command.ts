import type { ObjectVerb } from "../live/run-object.js";
import { createMap } from "./create.js";
import { dumpMaps } from "./dump.js";
import {
  deleteEntry,
  freezeMap,
  lookupEntry,
  nextKey,
  peekValue,
  popValue,
  pushValue,
  updateEntry,
} from "./entries.js";
import { pipeEvents } from "./event-pipe.js";
import { mapGrammar } from "./grammar.js";
import { pinMap } from "./pin.js";
import { showMaps } from "./show.js";

export const map: ObjectVerb = {
  grammar: mapGrammar,
  byDefault: "show",
  commands: {
    show: showMaps,
    create: createMap,
    dump: dumpMaps,
    update: updateEntry,
    lookup: lookupEntry,
    getnext: nextKey,
    delete: deleteEntry,
    pin: pinMap,
    event_pipe: pipeEvents,
    peek: peekValue,
    push: pushValue,
    pop: popValue,
    enqueue: pushValue,
    dequeue: popValue,
    freeze: freezeMap,
  },
};
