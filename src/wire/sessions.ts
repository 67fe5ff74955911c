import type { Http2Server, Http2Session, ServerHttp2Stream } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import type { Reason } from './refused-connections.js';

/** Connections at once: each agent's process has one, of some 30 KB, with TLS 60 KB. */
const MAX_SESSIONS = 1_024;

/** Of those, the most that had no answer yet: a new one has time for its first, however many others are new. */
const MAX_SILENT = 256;

/**
 * Requests at once over all connections, each 13 KB, and at worst a message and headers of the largest size more:
 * 90 MB, which a gate of 256 MiB has.
 */
const MAX_STREAMS = 1_024;

/** Of those, the most on one connection; an agent that has more waits for its own. */
const MAX_STREAMS_EACH = MAX_STREAMS / 2;

/** Header lists, as HTTP/2 counts them: twice what gRPC says with a trace, a login and whatever a mesh adds. */
const MAX_HEADER_BYTES = 8_192;

/** Requests taken back on one connection. An agent does that when its deadline is over, and connects again in a millisecond. */
const MAX_RESETS = 500;

/** How often it is looked whose time is up, in ms; times below are counted in it. */
const LOOK_MS = 1_000;

/** Who connects for gRPC has something to ask: until then a connection is nobody's. */
const FIRST_ANSWER_LOOKS = 10;

/** Twice the longest decision that can be set. What is open then is not sent to its end, or not read. */
const REQUEST_LOOKS = 10;

/** Of the standard health service: a stream that says nothing for long by design. */
const WATCH = '/grpc.health.v1.Health/Watch';

interface Session {
  readonly openedAtLook: number;
  /** What is open, and since which look. */
  readonly streams: Map<ServerHttp2Stream, number>;
  resets: number;
}

export interface Sessions {
  /** Resolves when the last connection has ended. */
  ended(): Promise<void>;
  /** Ends those that are left. */
  close(): void;
}

/**
 * Bounds what clients hold open, which gRPC does not. Past a bound somebody must go: the connection whose last
 * answer is the longest ago, one that never had any, or the one with the most requests. So whoever only holds
 * connections keeps nobody out; an agent that is dropped while idle connects again.
 */
export function boundSessions(
  server: Http2Server,
  refused: (reason: Reason, from: string | undefined) => void,
): Sessions {
  /** Both the oldest first: who never had an answer, and who had, by the last. */
  const silent = new Map<Http2Session, Session>();
  const answered = new Map<Http2Session, Session>();
  let open = 0;
  let look = 0;
  let ended = () => {};

  server.updateSettings({
    maxHeaderListSize: MAX_HEADER_BYTES,
    maxConcurrentStreams: MAX_STREAMS_EACH,
  });
  server.on('session', (session: Http2Session) => {
    const full = silent.size + answered.size >= MAX_SESSIONS;
    const [oldest] = silent.size >= MAX_SILENT ? silent.keys() : full ? answered.keys() : [];
    if (oldest) drop(oldest, 'crowded');
    const state = { openedAtLook: look, streams: new Map(), resets: 0 };
    silent.set(session, state);
    session.once('close', () => forget(session));
    session.on('stream', (stream: ServerHttp2Stream, headers, _flags, raw: string[]) => {
      // Node holds whoever has taken note of the settings to them; an evil agent does not.
      if (sizeOf(raw) > MAX_HEADER_BYTES) drop(session, 'headers');
      begin(session, state, stream, headers[':path'] === WATCH);
    });
  });

  function begin(
    session: Http2Session,
    state: Session,
    stream: ServerHttp2Stream,
    watches: boolean,
  ): void {
    if (open >= MAX_STREAMS) dropBusiest();
    if (stateOf(session) !== state) return;
    // What is begun and taken back in one breath is over when it gets here.
    if (stream.destroyed) {
      takenBack(session, state);
      return;
    }
    state.streams.set(stream, watches ? Number.POSITIVE_INFINITY : look);
    open += 1;
    stream.once('close', () => {
      // Else its session is forgotten already.
      if (state.streams.delete(stream)) open -= 1;
      if (stateOf(session) !== state) return;
      if (stream.rstCode !== 0) takenBack(session, state);
      else if (stream.headersSent) {
        forget(session, state);
        answered.set(session, state);
      }
    });
  }

  function takenBack(session: Http2Session, state: Session): void {
    state.resets += 1;
    if (state.resets > MAX_RESETS) drop(session, 'resets');
  }

  function stateOf(session: Http2Session): Session | undefined {
    return answered.get(session) ?? silent.get(session);
  }

  function forget(session: Http2Session, kept?: Session): void {
    const state = stateOf(session);
    silent.delete(session);
    answered.delete(session);
    if (!state || state === kept) return;
    open -= state.streams.size;
    state.streams.clear();
    if (silent.size + answered.size === 0) ended();
  }

  function drop(session: Http2Session, reason: Reason): void {
    forget(session);
    refused(reason, session.socket?.remoteAddress);
    session.destroy();
  }

  function dropBusiest(): void {
    const [busiest] = [...silent, ...answered].reduce((most, one) =>
      one[1].streams.size > most[1].streams.size ? one : most,
    );
    drop(busiest, 'crowded');
  }

  const timer = setInterval(() => {
    look += 1;
    for (const [session, state] of silent) {
      if (![...state.streams].some(isWatched)) continue;
      forget(session, state);
      answered.set(session, state);
    }
    for (const [session, { openedAtLook }] of silent) {
      if (look - openedAtLook <= FIRST_ANSWER_LOOKS) break;
      drop(session, 'slow');
    }
    for (const [session, { streams }] of [...silent, ...answered]) {
      const late = [...streams.values()].some((atLook) => look - atLook > REQUEST_LOOKS);
      if (late) drop(session, 'stuck');
    }
  }, LOOK_MS);
  timer.unref();
  return {
    ended: () =>
      new Promise((resolve) => {
        ended = resolve;
        if (silent.size + answered.size === 0) resolve();
      }),
    close() {
      clearInterval(timer);
      for (const session of [...silent.keys(), ...answered.keys()]) session.destroy();
    },
  };
}

/** A Watch whose answer has left: what it waits for from then on is news, of which there may be none for days. */
function isWatched([stream, sinceLook]: [ServerHttp2Stream, number]): boolean {
  return (
    sinceLook === Number.POSITIVE_INFINITY && stream.headersSent && stream.writableLength === 0
  );
}

/** As HTTP/2 counts a list of headers: names, values and 32 bytes for each pair. */
function sizeOf(raw: readonly string[]): number {
  return raw.reduce((sum, { length }) => sum + length + 16, 0);
}

/**
 * The HTTP/2 server that a gRPC server keeps to itself.
 * @throws if this version of grpc-js keeps it elsewhere: without bounds a gate must not start
 */
export function http2Of(server: Server): Http2Server {
  const { http2Servers } = server as unknown as { http2Servers?: Map<Http2Server, unknown> };
  const [http2] = http2Servers?.keys() ?? [];
  if (!http2) throw new Error('grpc-js keeps its HTTP/2 server elsewhere than it did');
  return http2;
}
