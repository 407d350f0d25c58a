import { setTimeout as delay } from 'node:timers/promises';

/**
 * What a fault proxy does to its connections: the eight toxics of toxiproxy, with its names.
 * They work from the moment they are set, on open connections too.
 */
type Toxic =
  /** Every piece of data comes later. */
  | { type: 'latency'; latencyMs: number }
  | { type: 'bandwidth'; bytesPerSecond: number }
  /** The end of a stream is passed on later. */
  | { type: 'slow_close'; delayMs: number }
  /** Data are swallowed; after `timeoutMs` the connection is closed, with null never. */
  | { type: 'timeout'; timeoutMs: number | null }
  /** Data come in pieces of this size, with a pause after each. */
  | { type: 'slicer'; pieceBytes: number; delayMs: number }
  /** After this much data the connection is closed. */
  | { type: 'limit_data'; maxBytes: number }
  /** The connection breaks with RST. */
  | { type: 'reset_peer'; afterMs: number }
  /** Open connections end, new ones are refused. */
  | { type: 'down' };

/** `upstream` is what the client sends, `downstream` what it gets. */
export type Direction = 'upstream' | 'downstream';

/** Without a direction it works on both. */
export type AppliedToxic = Toxic & { direction?: Direction };

/** Longer than any test: how long the longest wait is; timers take no more. */
const MAX_WAIT_MS = 2 ** 31 - 1;
/** How often a second a narrow band lets data pass. */
const SLICES_PER_SECOND = 20;
const MILLISECONDS = 1000;

/** One direction of one connection, as its toxics see it. */
export interface Stream {
  toxics: readonly AppliedToxic[];
  /** Aborted when other toxics are set: what was held back goes on. */
  changed: AbortSignal;
  /** Bytes passed on since these toxics were set. */
  passedBytes: number;
}

export type Verdict = 'passed' | 'close';

/**
 * Passes data on as the stream's toxics want it.
 * @param arrivedAt in `performance.now()`
 * @returns `close` when the connection has to end
 */
export async function passThroughToxics(
  stream: Stream,
  bytes: Buffer,
  arrivedAt: number,
  write: (piece: Buffer) => Promise<void>,
): Promise<Verdict> {
  const { toxics, changed } = stream;
  const find = <Type extends Toxic['type']>(type: Type) =>
    toxics.find((toxic): toxic is Extract<AppliedToxic, { type: Type }> => toxic.type === type);
  const latency = find('latency');
  if (latency !== undefined) await wait(arrivedAt + latency.latencyMs - performance.now(), changed);
  if (find('timeout') !== undefined) return 'passed';
  const limit = find('limit_data');
  const allowed = limit === undefined ? bytes : bytes.subarray(0, limit.maxBytes - stream.passedBytes);

  const pieces = slice(allowed, find('bandwidth'), find('slicer'));
  for (const { piece, pauseMs } of pieces) {
    await write(piece);
    stream.passedBytes += piece.length;
    await wait(pauseMs, changed);
  }
  return limit !== undefined && stream.passedBytes >= limit.maxBytes ? 'close' : 'passed';
}

/** Until the time is over or other toxics are set. */
export async function wait(milliseconds: number, changed: AbortSignal): Promise<void> {
  if (milliseconds <= 0 || changed.aborted) return;
  await delay(Math.min(milliseconds, MAX_WAIT_MS), undefined, { signal: changed }).catch(() => {});
}

function slice(
  bytes: Buffer,
  bandwidth: { bytesPerSecond: number } | undefined,
  slicer: { pieceBytes: number; delayMs: number } | undefined,
): { piece: Buffer; pauseMs: number }[] {
  const bandBytes =
    bandwidth === undefined ? bytes.length : Math.ceil(bandwidth.bytesPerSecond / SLICES_PER_SECOND);
  const pieceBytes = Math.max(1, Math.min(bandBytes, slicer?.pieceBytes ?? bytes.length));
  return Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, index) => {
    const piece = bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes);
    const bandMs = bandwidth === undefined ? 0 : (piece.length / bandwidth.bytesPerSecond) * MILLISECONDS;
    return { piece, pauseMs: bandMs + (slicer?.delayMs ?? 0) };
  });
}
