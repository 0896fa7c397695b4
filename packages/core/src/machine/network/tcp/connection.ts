import { ECONNREFUSED, ECONNRESET, EPIPE, ETIMEDOUT, type TcpState, tcpState } from "../../../abi/index.js";
import { ByteQueue } from "./byte-queue.js";
import { Congestion } from "./congestion.js";
import { Reassembly } from "./reassembly.js";
import { ReceiveWindow } from "./receive-window.js";
import { RoundTripTime } from "./round-trip-time.js";
import { type OutgoingSegment, readSynOptions, type Segment, sequenceLength, tcpFlags } from "./segment.js";
import { SendWindow } from "./send-window.js";
import { advance, distance, isBefore, later } from "./sequence.js";
import { TcpStatistics } from "./statistics.js";

const { fin: FIN, syn: SYN, rst: RST, psh: PSH, ack: ACK } = tcpFlags;
/** What a peer takes that doesn't say it: for IPv4, RFC 9293 section 3.7.1. */
const DEFAULT_SEGMENT = 536;
/** Times that a SYN, its answer, and anything else are sent again (tcp_syn_retries, tcp_synack_retries, tcp_retries2). */
const SYN_RETRIES = 6;
const SYN_ACK_RETRIES = 5;
const RETRIES = 15;
/** TCP_TIMEWAIT_LEN, in nanoseconds; a socket that was closed waits as long for the other side's end. */
const TIME_WAIT = 60_000_000_000;
const noBytes = new Uint8Array(0);

/** What a connection needs of the socket that it is of. */
export interface ConnectionOwner {
  /** Nanoseconds of the machine's clock. */
  now(): number;
  /** Hands a segment to IP. What becomes of it is IP's business: what is lost is sent again. */
  transmit(segment: OutgoingSegment): void;
  /** Bytes that the socket still takes. */
  readonly room: number;
  /** Bytes have come, in their order. */
  received(data: Uint8Array): void;
  /** No more will come. */
  receivedEnd(): void;
  stateChanged(before: TcpState, after: TcpState): void;
  /** What a SYN carries. */
  synOptions(): Uint8Array;
  /** A segment timed out, one was sent again, a round trip was measured. */
  timedOut(): void;
  retransmitted(sequence: number, segments: number): void;
  measured(nanoseconds: number): void;
}

/**
 * One end of a TCP connection (RFC 9293): the states, what is on its way and what has come, retransmission, flow and
 * congestion control. Acknowledgements are sent at once; there is neither selective acknowledgement nor Nagle's algorithm.
 */
export class TcpConnection {
  state: TcpState = tcpState.close;
  /** Why it ended: an errno, 0 while it goes on or where it ended well. */
  error = 0;
  /** Bytes that a segment may carry. */
  maximumSegment: number = DEFAULT_SEGMENT;
  readonly rtt = new RoundTripTime();
  readonly congestion = new Congestion();
  readonly statistics = new TcpStatistics();
  /** First sequence number that is not acknowledged, the next to be sent, and the one behind all that were. */
  unacknowledged = 0;
  sendNext = 0;
  /** Nanoseconds at which {@link timeout} is to be called; undefined for never. */
  deadline: number | undefined;
  readonly #owner: ConnectionOwner;
  readonly #sending = new ByteQueue();
  readonly #early = new Reassembly();
  #sentUpTo = 0;
  readonly #sendWindow = new SendWindow();
  readonly #receiveWindow: ReceiveWindow;
  #finWanted = false;
  /** What acknowledges the FIN, once it was sent. */
  #finEnd: number | undefined;
  #finReceived = false;
  #retries = 0;
  /** The segment whose answer is timed: what acknowledges it, and when it went out. */
  #timed: { readonly end: number; readonly at: number } | undefined;

  constructor(owner: ConnectionOwner) {
    this.#owner = owner;
    this.#receiveWindow = new ReceiveWindow(() => owner.room);
  }

  /** The sequence number that comes next. */
  get receiveNext(): number {
    return this.#receiveWindow.next;
  }

  /** Bytes that are not acknowledged, or not even sent. */
  get waiting(): number {
    return this.#sending.length;
  }

  /** Segments on their way. */
  get flight(): number {
    return Math.ceil(distance(this.unacknowledged, this.sendNext) / this.maximumSegment);
  }

  /** Times that the first segment was sent again since anything was acknowledged. */
  get timeouts(): number {
    return this.#retries;
  }

  /** Does the other side understand window scaling? */
  get announcesScale(): boolean {
    return this.#receiveWindow.scales;
  }

  // Opening and closing

  /** Sends a SYN. */
  open(sequence: number): void {
    this.#start(sequence);
    this.#enter(tcpState.synSent);
    this.#send(SYN, this.unacknowledged, noBytes);
    this.#armRetransmission();
  }

  /** Answers a SYN. */
  answer(syn: Segment, sequence: number): void {
    this.#start(sequence);
    this.#takeSyn(syn);
    this.#enter(tcpState.synReceived);
    this.#send(SYN | ACK, this.unacknowledged, noBytes);
    this.#armRetransmission();
  }

  /** Takes bytes for sending. */
  write(data: Uint8Array): void {
    this.#sending.push(data);
    this.#output();
  }

  /** Nothing more is to be sent: a FIN follows what waits. */
  finish(): void {
    if (this.#finWanted) return;
    this.#finWanted = true;
    if (this.state === tcpState.established) this.#enter(tcpState.finWait1);
    else if (this.state === tcpState.closeWait) this.#enter(tcpState.lastAck);
    this.#output();
  }

  /** Ends it at once, and tells the other side. */
  abort(): void {
    const { state } = this;
    if (state !== tcpState.close && state !== tcpState.synSent && state !== tcpState.timeWait)
      this.#send(RST | ACK, this.sendNext, noBytes);
    this.fail(0);
  }

  /** It is over. */
  fail(errno: number): void {
    this.error = errno;
    this.deadline = undefined;
    this.#sending.clear();
    this.#early.clear();
    if (this.state !== tcpState.close) this.#enter(tcpState.close);
  }

  /** Nobody reads any more: what is left of the connection ends by itself. */
  orphan(): void {
    if (this.state === tcpState.finWait2) this.deadline = this.#owner.now() + TIME_WAIT;
  }

  /** The reader has made room. */
  roomMade(): void {
    const isOpen = this.state === tcpState.established || this.state === tcpState.finWait1;
    const grown = this.#receiveWindow.growth(this.maximumSegment);
    const wasShut = this.#receiveWindow.size === 0;
    if ((isOpen || this.state === tcpState.finWait2) && grown > 0 && (wasShut || grown >= 2 * this.maximumSegment))
      this.#acknowledge();
  }

  /** Segments may carry this much at most from now on; those that were larger are sent again. */
  limitSegment(size: number): void {
    if (size >= this.maximumSegment) return;
    this.maximumSegment = size;
    if (this.sendNext === this.unacknowledged) return;
    this.sendNext = this.unacknowledged;
    this.#output();
  }

  // Time

  /** {@link deadline} has come. */
  timeout(): void {
    this.deadline = undefined;
    switch (this.state) {
      case tcpState.close:
        return;
      case tcpState.timeWait:
      case tcpState.finWait2:
        this.fail(0);
        return;
    }
    if (this.#isProbing()) {
      this.#probe();
      return;
    }
    const limit =
      this.state === tcpState.synSent ? SYN_RETRIES : this.state === tcpState.synReceived ? SYN_ACK_RETRIES : RETRIES;
    if (this.#retries >= limit) {
      this.fail(ETIMEDOUT);
      return;
    }
    this.#retries++;
    this.rtt.backOff();
    this.#timed = undefined;
    this.#owner.timedOut();
    if (this.state !== tcpState.synSent && this.state !== tcpState.synReceived) this.congestion.timedOut(this.flight);
    this.#retransmit();
  }

  // What comes in

  receive(segment: Segment): void {
    this.statistics.segmentsIn++;
    if (segment.data.length > 0) this.statistics.dataSegmentsIn++;
    if (this.state === tcpState.synSent) this.#receiveInSynSent(segment);
    else if (this.state !== tcpState.close) this.#receive(segment);
  }

  #receiveInSynSent(segment: Segment): void {
    const { flags, acknowledgement } = segment;
    const acknowledges = (flags & ACK) !== 0;
    if (acknowledges && acknowledgement !== this.sendNext) {
      if (!(flags & RST)) this.#reply(RST, acknowledgement);
      return;
    }
    if (flags & RST) {
      if (acknowledges) this.fail(ECONNREFUSED);
      return;
    }
    if (!(flags & SYN)) return;
    this.#takeSyn(segment);
    if (!acknowledges) {
      // Both sides open at once.
      this.#enter(tcpState.synReceived);
      this.#send(SYN | ACK, this.unacknowledged, noBytes);
      return;
    }
    this.#acknowledged(acknowledgement);
    this.#enter(tcpState.established);
    this.#acknowledge();
    this.#output();
  }

  #receive(segment: Segment): void {
    const { flags, sequence } = segment;
    if (!this.#receiveWindow.accepts(segment)) {
      const isRepeatedSyn = this.state === tcpState.synReceived && (flags & (SYN | ACK)) === SYN;
      if (isRepeatedSyn) this.#send(SYN | ACK, this.unacknowledged, noBytes);
      else if (!(flags & RST)) this.#acknowledge();
      return;
    }
    if (flags & RST) {
      // One that does not hit the next number exactly may be forged (RFC 5961).
      if (sequence === this.receiveNext) this.fail(this.state === tcpState.closeWait ? EPIPE : ECONNRESET);
      else this.#acknowledge();
      return;
    }
    if (flags & SYN) {
      this.#acknowledge();
      return;
    }
    if (!(flags & ACK)) return;
    if (this.state === tcpState.synReceived && !this.#completeAnswer(segment)) return;
    if (!this.#takeAcknowledgement(segment)) return;
    this.#takeData(segment);
    this.#output();
  }

  /** The third step of the handshake. */
  #completeAnswer(segment: Segment): boolean {
    const { acknowledgement } = segment;
    if (acknowledgement !== this.sendNext) {
      this.#reply(RST, acknowledgement);
      return false;
    }
    this.#acknowledged(acknowledgement);
    this.#sendWindow.update(segment);
    this.#enter(tcpState.established);
    return this.state !== tcpState.close;
  }

  /** False where the segment is not to be looked at any further. */
  #takeAcknowledgement(segment: Segment): boolean {
    const { acknowledgement, data, flags } = segment;
    if (isBefore(this.#sentUpTo, acknowledgement)) {
      this.#acknowledge();
      return false;
    }
    if (isBefore(this.unacknowledged, acknowledgement)) this.#acknowledged(acknowledgement);
    else if (
      acknowledgement === this.unacknowledged &&
      this.sendNext !== this.unacknowledged &&
      data.length === 0 &&
      !(flags & FIN) &&
      this.#sendWindow.of(segment) === this.#sendWindow.size
    ) {
      if (this.congestion.duplicate(this.flight, this.sendNext)) this.#sendFirstAgain();
    }
    this.#sendWindow.update(segment);
    return this.state !== tcpState.close && this.state !== tcpState.timeWait;
  }

  #acknowledged(acknowledgement: number): void {
    const wasSyn = this.state === tcpState.synSent || this.state === tcpState.synReceived;
    const count = distance(this.unacknowledged, acknowledgement);
    const bytes = Math.min(count - (wasSyn ? 1 : 0), this.#sending.length);
    this.unacknowledged = acknowledgement;
    this.sendNext = later(this.sendNext, acknowledgement);
    this.#sending.drop(bytes);
    this.statistics.bytesAcknowledged += bytes;
    this.statistics.delivered += Math.ceil(bytes / this.maximumSegment);
    this.#retries = 0;
    this.rtt.answered();
    if (this.#timed !== undefined && !isBefore(acknowledgement, this.#timed.end)) {
      const measured = this.#owner.now() - this.#timed.at;
      this.#timed = undefined;
      this.rtt.sample(measured);
      this.#owner.measured(measured);
    }
    const { recovery } = this.congestion;
    if (recovery !== undefined && !isBefore(acknowledgement, recovery)) this.congestion.recovered();
    else if (recovery !== undefined) this.#sendFirstAgain();
    if (!wasSyn) this.congestion.acknowledged(Math.ceil(bytes / this.maximumSegment));
    if (acknowledgement === this.#finEnd) this.#finAcknowledged();
    if (this.unacknowledged === this.sendNext) {
      if (this.state !== tcpState.timeWait && this.state !== tcpState.finWait2) this.deadline = undefined;
    } else this.#armRetransmission();
  }

  #finAcknowledged(): void {
    if (this.state === tcpState.finWait1) {
      this.#enter(tcpState.finWait2);
      this.deadline = undefined;
    } else if (this.state === tcpState.closing) this.#waitForStragglers();
    else if (this.state === tcpState.lastAck) this.fail(0);
  }

  #takeData({ sequence, data, flags }: Segment): void {
    if (this.#finReceived || this.state === tcpState.close) return;
    if (data.length === 0 && !(flags & FIN)) return;
    const window = this.#receiveWindow.size;
    const offset = (sequence - this.receiveNext) | 0;
    if (offset > 0) {
      this.#early.add(sequence, data.subarray(0, window - offset));
      this.#acknowledge();
      return;
    }
    const fresh = data.subarray(Math.min(-offset, data.length));
    const taken = fresh.subarray(0, Math.max(window, 0));
    this.#hand(taken);
    for (let more = this.#early.take(this.receiveNext); more !== undefined; more = this.#early.take(this.receiveNext))
      this.#hand(more);
    if (flags & FIN && taken.length === fresh.length && advance(sequence, data.length) === this.receiveNext)
      this.#takeFin();
    this.#acknowledge();
  }

  #hand(data: Uint8Array): void {
    if (data.length === 0) return;
    this.#receiveWindow.take(data.length);
    this.statistics.bytesReceived += data.length;
    this.#owner.received(data);
  }

  #takeFin(): void {
    this.#finReceived = true;
    this.#receiveWindow.takeEnd();
    if (this.state === tcpState.established) this.#enter(tcpState.closeWait);
    else if (this.state === tcpState.finWait1) this.#enter(tcpState.closing);
    else if (this.state === tcpState.finWait2) this.#waitForStragglers();
    this.#owner.receivedEnd();
  }

  #waitForStragglers(): void {
    this.#enter(tcpState.timeWait);
    this.deadline = this.#owner.now() + TIME_WAIT;
  }

  // What goes out

  /** Sends what the windows allow. */
  #output(): void {
    const { state } = this;
    const isOpen = state === tcpState.established || state === tcpState.closeWait;
    const isEnding = state === tcpState.finWait1 || state === tcpState.lastAck || state === tcpState.closing;
    if (!isOpen && !isEnding) return;
    const window = Math.min(this.#sendWindow.size, this.congestion.window * this.maximumSegment);
    for (;;) {
      const sent = distance(this.unacknowledged, this.sendNext);
      const unsent = this.#sending.length - sent;
      // Behind the FIN there is nothing.
      if (unsent < 0) break;
      const size = Math.min(unsent, this.maximumSegment, window - sent);
      const isLast = size === unsent;
      const ends = this.#finWanted && isLast;
      // A part of a segment waits for the window to open, unless nothing else would ever open it.
      if (size < 0 || (size === 0 && !ends)) break;
      if (!isLast && size < this.maximumSegment && sent > 0) break;
      const flags = ACK | (isLast && size > 0 ? PSH : 0) | (ends ? FIN : 0);
      this.#send(flags, this.sendNext, this.#sending.copy(sent, size));
      if (ends) break;
    }
    if (this.deadline === undefined && (this.sendNext !== this.unacknowledged || this.#sending.length > 0))
      this.#armRetransmission();
  }

  #retransmit(): void {
    if (this.state === tcpState.synSent) this.#send(SYN, this.unacknowledged, noBytes);
    else if (this.state === tcpState.synReceived) this.#send(SYN | ACK, this.unacknowledged, noBytes);
    else {
      this.sendNext = this.unacknowledged;
      this.#output();
    }
    this.#armRetransmission();
  }

  /** The first segment that is not acknowledged, without going back. */
  #sendFirstAgain(): void {
    const next = this.sendNext;
    const size = Math.min(this.#sending.length, this.maximumSegment);
    const ends = this.#finWanted && size === this.#sending.length;
    this.#send(ACK | (ends ? FIN : 0), this.unacknowledged, this.#sending.copy(0, size));
    this.sendNext = later(this.sendNext, next);
    this.#armRetransmission();
  }

  #isProbing(): boolean {
    return this.unacknowledged === this.sendNext && this.#sending.length > 0 && this.#sendWindow.size === 0;
  }

  /** Asks for the window again, by a segment that has to be answered. */
  #probe(): void {
    this.rtt.backOff();
    this.#send(ACK, advance(this.unacknowledged, -1), noBytes);
    this.#armRetransmission();
  }

  #acknowledge(): void {
    if (this.state !== tcpState.close) this.#send(ACK, this.sendNext, noBytes);
  }

  #send(flags: number, sequence: number, data: Uint8Array): void {
    const isSyn = (flags & SYN) !== 0;
    const end = advance(sequence, sequenceLength({ flags, data }));
    const isAgain = isBefore(sequence, this.#sentUpTo) && end !== sequence;
    if (isBefore(this.#sentUpTo, end)) {
      this.#timed ??= isAgain ? undefined : { end, at: this.#owner.now() };
      this.#sentUpTo = end;
    }
    if (isBefore(this.sendNext, end)) this.sendNext = end;
    if (flags & FIN) this.#finEnd = end;
    this.statistics.segmentsOut++;
    if (data.length > 0) this.statistics.dataSegmentsOut++;
    if (isAgain) {
      this.#timed = undefined;
      this.statistics.retransmissions++;
    }
    const window = this.#receiveWindow.announce(isSyn, this.maximumSegment);
    const options = isSyn ? this.#owner.synOptions() : noBytes;
    const acknowledgement = flags & ACK ? this.receiveNext : 0;
    this.#owner.transmit({ sequence, acknowledgement, flags, window, options, data });
    if (isAgain) this.#owner.retransmitted(sequence, Math.max(1, Math.ceil(data.length / this.maximumSegment)));
  }

  /** A segment that answers one that doesn't belong here. */
  #reply(flags: number, sequence: number): void {
    this.#owner.transmit({ sequence, acknowledgement: 0, flags, window: 0, options: noBytes, data: noBytes });
  }

  #start(sequence: number): void {
    this.unacknowledged = sequence;
    this.sendNext = sequence;
    this.#sentUpTo = sequence;
  }

  #takeSyn(syn: Segment): void {
    const { maximumSegment = DEFAULT_SEGMENT, windowScale } = readSynOptions(syn.options);
    this.maximumSegment = Math.max(1, Math.min(this.maximumSegment, maximumSegment));
    this.#receiveWindow.start(advance(syn.sequence, 1), windowScale !== undefined);
    this.#sendWindow.start(syn, windowScale ?? 0);
  }

  #armRetransmission(): void {
    this.deadline = this.#owner.now() + this.rtt.timeout;
  }

  #enter(state: TcpState): void {
    const before = this.state;
    this.state = state;
    this.#owner.stateChanged(before, state);
  }
}
