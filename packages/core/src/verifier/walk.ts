import type { Analysis } from "./analysis.js";
import { InlineLoops } from "./inline-loops.js";
import { LoopVisits } from "./loop-visits.js";
import { OffsetMasks } from "./offset-masks.js";
import { PrecisionTracker } from "./precision.js";
import { Checkpoints } from "./pruning.js";
import { StackLiveness } from "./stack-liveness.js";

/** An analysis with the parts that walking its paths needs: what every transfer function gets. */
export class Walk {
  readonly analysis: Analysis;
  readonly liveness: StackLiveness;
  readonly precision: PrecisionTracker;
  readonly loops: LoopVisits;
  readonly checkpoints: Checkpoints;
  readonly inlineLoops = new InlineLoops();
  readonly masks: OffsetMasks;

  constructor(analysis: Analysis) {
    this.analysis = analysis;
    this.liveness = new StackLiveness(analysis);
    this.precision = new PrecisionTracker(analysis);
    this.loops = new LoopVisits(analysis, this.precision);
    this.masks = new OffsetMasks(analysis);
    this.checkpoints = new Checkpoints(analysis, this.liveness, this.precision, this.loops);
  }
}
