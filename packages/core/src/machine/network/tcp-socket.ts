import { ECONNRESET, EINVAL, EISCONN, ENOTCONN, EPIPE, type TcpState, tcpState } from "../../abi/index.js";
import { buildPacket, concatenate } from "../../packet/index.js";
import type { TcpInfo } from "../../runtime/index.js";
import type { Cgroup } from "../cgroup/index.js";
import { failure } from "../failure.js";
import type { IpFamily } from "./ip-family.js";
import type { Namespace } from "./namespace.js";
import { Socket, type SocketAddress } from "./socket.js";
import { MessageState } from "./socket-streams.js";
import { ByteQueue } from "./tcp/byte-queue.js";
import { type ConnectionOwner, TcpConnection } from "./tcp/connection.js";
import { WINDOW_SCALE } from "./tcp/receive-window.js";
import { type OutgoingSegment, type Segment, segmentLayer, writeSynOptions } from "./tcp/segment.js";
import { TcpOperations } from "./tcp-operations.js";

/** Bytes that wait for being read, and for being acknowledged, at most. */
const RECEIVE_BUFFER = 131_072;
const SEND_BUFFER = 4_194_304;
const TCP_HEADER = 20;
const OPTIONS_MAX = 40;
const noBytes = new Uint8Array(0);

/** A TCP socket of a namespace: unbound at first, then one that listens, or one end of a connection. */
export class TcpSocket extends Socket {
  readonly protocol = "tcp";
  /** @internal */
  connection: TcpConnection;
  /** The one that it was accepted from, while that listens. */
  listener: TcpSocket | undefined;
  #state: TcpState = tcpState.close;
  readonly #received = new ByteQueue();
  #endReceived = false;
  #shutDown = false;
  /** The segment that is being received. */
  #segment: Segment | undefined;
  /** Connections whose handshake is done, and those that are at it. */
  readonly #accepted: TcpSocket[] = [];
  readonly #coming = new Set<TcpSocket>();
  #backlog = 0;
  /** @internal What its sk_msg program and its parser are at. */
  message = new MessageState();
  readonly #operations = new TcpOperations(this);

  /** @internal */
  constructor(namespace: Namespace, family: IpFamily, cgroup?: Cgroup) {
    super(namespace, family, cgroup);
    this.connection = new TcpConnection(this.#owner());
  }

  get state(): TcpState {
    return this.#state;
  }

  /** Why the connection ended, an errno; 0 while it goes on, and where it ended well. */
  get error(): number {
    return this.connection.error;
  }

  /**
   * Takes connections from now on; of those that nobody accepts, `backlog` and one more wait. A socket without a port gets
   * one.
   *
   * @throws SyscallError EINVAL for one that is connected.
   */
  listen(backlog = 128): void {
    this.assertOpen("listen");
    if (this.#state !== tcpState.close && this.#state !== tcpState.listen)
      throw failure("listen", EINVAL, "it is connected");
    if (this.localPort === 0) this.bindTo(this.localAddress, 0);
    else if (this.#state === tcpState.close)
      this.namespace.stack.sockets.checkFree(this, this.localAddress, this.localPort);
    this.#backlog = backlog;
    this.#enter(tcpState.listen);
    this.#operations.listening();
  }

  /** The oldest connection that waits, or undefined. @throws SyscallError EINVAL for a socket that doesn't listen. */
  accept(): TcpSocket | undefined {
    this.assertOpen("accept");
    if (this.#state !== tcpState.listen) throw failure("accept", EINVAL, "it doesn't listen");
    return this.#accepted.shift();
  }

  /**
   * Connects. True where the connection is there when this returns; false where the answer is still to come: `state` says
   * how far it is, and SYNs that were lost are sent again as the machine's clock moves on.
   *
   * @throws SyscallError ECONNREFUSED, ENETUNREACH, EISCONN, EAFNOSUPPORT for the other version of IP.
   */
  connect(address: string, port: number): boolean {
    this.assertOpen("connect");
    if (this.#state !== tcpState.close) throw failure("connect", EISCONN, "it is connected, or listens");
    const to = this.askToConnect(this.parse("connect", address), port);
    this.setRemote(to.address, to.port);
    this.connection = new TcpConnection(this.#owner());
    this.connection.maximumSegment = this.#largestSegment();
    this.connection.open(this.namespace.network.random());
    this.namespace.network.drain();
    const { error } = this.connection;
    if (error !== 0) throw failure("connect", error, `to ${address} port ${port}`);
    const { state } = this.connection;
    return state === tcpState.established || state === tcpState.closeWait;
  }

  /**
   * Sends bytes; how many of them found room. They go as far as they get before this returns.
   *
   * @throws SyscallError ENOTCONN, EPIPE after a shutdown or the connection's end, ECONNRESET, EACCES where an sk_msg
   * program drops it.
   */
  send(data: Uint8Array): number {
    this.assertOpen("sendto");
    this.#assertConnected("sendto");
    if (this.#shutDown || this.#state === tcpState.close) throw failure("sendto", EPIPE, "nothing more may be sent");
    const taken = data.slice(0, Math.max(0, SEND_BUFFER - this.connection.waiting));
    let error = 0;
    if (this.mapPrograms?.sk_msg_verdict !== undefined) error = this.namespace.network.streams.send(this, taken);
    else if (taken.length > 0) this.connection.write(taken);
    this.namespace.network.drain();
    if (error !== 0) throw failure("sendto", error, "a program of a map that the socket is in forbids it");
    return taken.length;
  }

  /**
   * Bytes that have come, at most `limit` (by default all); undefined where there are none yet, and no bytes at all where
   * the other side has ended.
   *
   * @throws SyscallError ENOTCONN, ECONNRESET and the like where the connection broke.
   */
  receive(limit = Number.MAX_SAFE_INTEGER): Uint8Array | undefined {
    this.assertOpen("recvfrom");
    if (this.#received.length === 0) {
      const { error } = this.connection;
      if (error !== 0) throw failure("recvfrom", error === EPIPE ? ECONNRESET : error, "the connection broke");
      if (!this.#endReceived) this.#assertConnected("recvfrom");
      return this.#endReceived || this.#state === tcpState.close ? noBytes : undefined;
    }
    const data = this.#received.take(Math.min(limit, this.#received.length));
    this.connection.roomMade();
    this.namespace.network.drain();
    return data;
  }

  /** Sends no more: the other side sees the end when it has read everything. @throws SyscallError ENOTCONN */
  shutdown(): void {
    this.assertOpen("shutdown");
    this.#assertConnected("shutdown");
    this.#shutDown = true;
    this.connection.finish();
    this.namespace.network.drain();
  }

  /** The other end. @throws SyscallError ENOTCONN */
  remoteEnd(): SocketAddress {
    this.#assertConnected("getpeername");
    return this.peerName();
  }

  /** @internal A segment for this connection. */
  receiveSegment(segment: Segment): void {
    this.#segment = segment;
    this.#operations.arrived(segment);
    this.connection.receive(segment);
    this.#segment = undefined;
  }

  override leftMaps(): void {
    this.message = new MessageState();
  }

  /** @internal Bytes for its reader. */
  take(data: Uint8Array): void {
    this.#received.push(data);
  }

  /** @internal Bytes of a program's choice to be sent; lost where nothing can be sent any more. */
  transmit(data: Uint8Array): void {
    const { state } = this.connection;
    if (!this.#shutDown && (state === tcpState.established || state === tcpState.closeWait))
      this.connection.write(data);
  }

  /** @internal What programs can read of the connection. */
  get tcp(): TcpInfo | undefined {
    return tcpInfo(this.connection);
  }

  /** @internal A SYN for this listening socket. */
  receiveSyn(segment: Segment, source: Uint8Array, destination: Uint8Array): void {
    if (this.#accepted.length + this.#coming.size > this.#backlog) return;
    const child = new TcpSocket(this.namespace, this.family, this.cgroup);
    child.listener = this;
    child.callbackFlags = this.callbackFlags;
    child.mark = this.mark;
    child.priority = this.priority;
    child.boundDevice = this.boundDevice;
    child.localAddress = destination;
    child.localPort = segment.destinationPort;
    child.setRemote(source, segment.sourcePort);
    child.connection.maximumSegment = child.#largestSegment();
    this.#coming.add(child);
    child.#operations.answering();
    child.connection.answer(segment, this.namespace.network.random());
  }

  protected release(): void {
    if (this.#state === tcpState.listen) {
      for (const child of [...this.#accepted.splice(0), ...this.#coming]) {
        child.connection.abort();
        child.close();
      }
      this.#enter(tcpState.close);
    } else if (this.#received.length > 0) {
      // Bytes that nobody has read: the other side is to know that they are lost.
      this.connection.abort();
    } else if (this.connection.state === tcpState.synSent) this.connection.fail(0);
    else if (this.connection.state !== tcpState.close) {
      this.connection.finish();
      this.connection.orphan();
    }
    if (this.#state === tcpState.close) this.namespace.stack.sockets.remove(this);
  }

  #assertConnected(call: string): void {
    if (this.remoteAddress === undefined) throw failure(call, ENOTCONN, "it isn't connected");
    if (this.connection.error !== 0 && call === "sendto") {
      const { error } = this.connection;
      this.connection.error = 0;
      throw failure(call, error === EPIPE ? EPIPE : ECONNRESET, "the connection broke");
    }
  }

  /** Bytes that a segment out of here may carry. */
  #largestSegment(): number {
    return this.namespace.stack.mtuTo(this.remoteAddress!) - this.family.headerLength - TCP_HEADER;
  }

  #enter(state: TcpState): void {
    const before = this.#state;
    const { listener } = this;
    const { clocks } = this.namespace.network;
    const isAnswered = before === tcpState.synReceived && state === tcpState.established;
    // An accepted connection tells so before its state changes, one of its own after that.
    if (isAnswered) this.#operations.established(false, this.#segment);
    // A connection that answers comes into being in its state.
    if (state !== tcpState.synReceived) this.#operations.stateChanged(before, state);
    this.#state = state;
    if (state === tcpState.synSent) this.#operations.connecting();
    if (before === tcpState.synSent && state === tcpState.established)
      this.#operations.established(true, this.#segment);
    if (before === tcpState.close && state !== tcpState.listen) clocks.add(this);
    if (listener !== undefined && before === tcpState.synReceived) {
      listener.#coming.delete(this);
      if (state === tcpState.established && listener.isOpen) listener.#accepted.push(this);
      else this.close();
    }
    if (state === tcpState.close) {
      clocks.delete(this);
      if (this.remoteAddress !== undefined || !this.isOpen) this.namespace.stack.sockets.remove(this);
    }
  }

  /** @internal Packets of more than `mtu` bytes do not get through. */
  narrow(mtu: number): void {
    this.connection.limitSegment(mtu - this.family.headerLength - TCP_HEADER);
  }

  /** When time has something to do with it, and what. */
  get deadline(): number | undefined {
    return this.connection.deadline;
  }

  /** @internal */
  timeout(): void {
    this.connection.timeout();
  }

  #owner(): ConnectionOwner {
    const socket = this;
    const { namespace } = this;
    return {
      now: () => namespace.network.now(),
      transmit: (segment) => socket.#transmit(segment),
      get room() {
        return RECEIVE_BUFFER - socket.#received.length;
      },
      received: (data) => {
        const { mapPrograms, namespace } = socket;
        if (mapPrograms === undefined) socket.#received.push(data);
        else namespace.network.streams.receive(socket, data);
      },
      receivedEnd: () => {
        socket.#endReceived = true;
      },
      stateChanged: (_before, after) => socket.#enter(after),
      synOptions: () => {
        const windowScale = socket.connection.announcesScale ? WINDOW_SCALE : undefined;
        return writeSynOptions({ maximumSegment: socket.#largestSegment(), windowScale });
      },
      timedOut: () => socket.#operations.timedOut(),
      retransmitted: (sequence, segments) => socket.#operations.retransmitted(sequence, segments),
      measured: (nanoseconds) => socket.#operations.measured(nanoseconds),
    };
  }

  #transmit(segment: OutgoingSegment): void {
    const { localAddress: source, remoteAddress: destination } = this;
    const options = this.#optionsOf(segment);
    const layer = segmentLayer({ ...segment, options }, this.localPort, this.remotePort!);
    // Until the handshake is done, the listening socket speaks for the connection.
    const socket = this.#state === tcpState.synReceived ? (this.listener ?? this) : this;
    this.namespace.stack.output({ socket, source, destination: destination! }, layer, segment.data);
  }

  /** The options of a segment with those that programs add. */
  #optionsOf(segment: OutgoingSegment): Uint8Array {
    if (this.callbackFlags === 0) return segment.options;
    const room = Math.min(OPTIONS_MAX - segment.options.length, this.#largestSegment() - segment.data.length);
    const bare = buildPacket(segmentLayer(segment, this.localPort, this.remotePort!));
    return concatenate(segment.options, this.#operations.headerOptions(bare, room));
  }
}

function tcpInfo(connection: TcpConnection): TcpInfo {
  const { congestion, rtt, statistics } = connection;
  return {
    congestionWindow: congestion.window,
    smoothedRoundTrip: rtt.scaled,
    minimumRoundTrip: rtt.minimum,
    slowStartThreshold: congestion.threshold,
    receiveNext: connection.receiveNext,
    sendNext: connection.sendNext,
    unacknowledged: connection.unacknowledged,
    maximumSegment: connection.maximumSegment,
    packetsOut: connection.flight,
    retransmissions: statistics.retransmissions,
    segmentsIn: statistics.segmentsIn,
    dataSegmentsIn: statistics.dataSegmentsIn,
    segmentsOut: statistics.segmentsOut,
    dataSegmentsOut: statistics.dataSegmentsOut,
    bytesReceived: statistics.bytesReceived,
    bytesAcknowledged: statistics.bytesAcknowledged,
    delivered: statistics.delivered,
    timeouts: connection.timeouts,
  };
}
