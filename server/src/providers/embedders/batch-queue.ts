import { AsyncResource } from 'node:async_hooks';

import { ModelError } from '#kernel/model-error.js';

import type { EmbeddedBatch } from './read-embeddings.js';
import { MOST_IN_FLIGHT, type Place, type SendPace } from './send-pace.js';

export interface BatchQueueOptions {
  /** Texts per call at most. */
  batchSize: number;
  pace: SendPace;
  /** Makes the call, with the place that its first try has. */
  send: (texts: string[], place: Place, signal: AbortSignal) => Promise<EmbeddedBatch>;
}

/** What one caller wants. */
interface Job {
  texts: readonly string[];
  vectors: Float32Array[];
  tokens: number;
  /** The first of the texts that are in no batch yet. */
  next: number;
  missing: number;
  isSettled: boolean;
  /** Batches in flight that hold texts of this job. */
  batches: Set<Batch>;
  /** Where the caller stands: calls are traced as its own. */
  scope: AsyncResource;
  resolve: (embedded: EmbeddedBatch) => void;
  reject: (reason: unknown) => void;
}

interface Piece {
  job: Job;
  from: number;
  to: number;
}

interface Batch {
  pieces: Piece[];
  leaving: AbortController;
}

/** How long a batch that is not full waits for texts of others. */
const LINGER_MS = 5;
/** Endpoints bound the tokens of a call, at 300,000 for one. */
const MAX_BATCH_TOKENS = 250_000;
/** Fewer than in nearly all texts, so that the estimate is rather too high. */
const CHARACTERS_PER_TOKEN = 3;

/**
 * Fills the calls to an endpoint with the texts of all callers, first come, first served. Each caller gets its own
 * vectors, and fails by its own fault, by a fault of the endpoint, or by its own signal.
 */
export function createBatchQueue({ batchSize, pace, send }: BatchQueueOptions) {
  const queue: Job[] = [];
  /** Those that will take a batch each, as soon as they have a place. */
  const lanes = new Set<AbortController>();
  let linger: NodeJS.Timeout | undefined;

  const countPending = () => queue.reduce((sum, job) => sum + job.texts.length - job.next, 0);

  function pump(): void {
    const pending = countPending();
    openLanes(Math.floor(pending / batchSize));
    if (pending === 0) {
      clearTimeout(linger);
      linger = undefined;
      for (const lane of lanes) lane.abort();
      lanes.clear();
      return;
    }
    linger ??= setTimeout(() => {
      linger = undefined;
      openLanes(Math.ceil(countPending() / batchSize));
    }, LINGER_MS);
  }

  function openLanes(wanted: number): void {
    while (lanes.size < Math.min(wanted, MOST_IN_FLIGHT)) {
      const lane = new AbortController();
      lanes.add(lane);
      void runLane(lane);
    }
  }

  async function runLane(lane: AbortController): Promise<void> {
    const place = await pace.enter(lane.signal).catch(() => null);
    lanes.delete(lane);
    if (place === null) return;
    const pieces = takeBatch(queue, batchSize);
    if (queue.length > 0) pump();
    if (pieces.length === 0) place.leave(undefined);
    else await runBatch(pieces, place);
  }

  async function runBatch(pieces: Piece[], place: Place): Promise<void> {
    const batch: Batch = { pieces, leaving: new AbortController() };
    for (const { job } of pieces) job.batches.add(batch);
    const texts = pieces.flatMap(({ job, from, to }) => job.texts.slice(from, to));
    try {
      const call = () => send(texts, place, batch.leaving.signal);
      deliver(pieces, await (pieces[0]?.job.scope.runInAsyncScope(call) ?? call()));
    } catch (error) {
      const isOneOfMany = error instanceof ModelError && error.kind === 'rejected' && pieces.length > 1;
      if (isOneOfMany) await Promise.all(pieces.map(runAlone));
      else for (const { job } of pieces) settle(job, () => job.reject(error));
    } finally {
      for (const { job } of pieces) job.batches.delete(batch);
    }
  }

  /** One bad text spoils a whole call: whose it is shows when each caller's texts are asked for by themselves. */
  async function runAlone(piece: Piece): Promise<void> {
    if (piece.job.isSettled) return;
    const place = await pace.enter(new AbortController().signal);
    if (piece.job.isSettled) place.leave(undefined);
    else await runBatch([piece], place);
  }

  function deliver(pieces: Piece[], { vectors, tokens }: EmbeddedBatch): void {
    const shares = shareTokens(pieces, tokens);
    let start = 0;
    for (const [place, { job, from, to }] of pieces.entries()) {
      for (let index = from; index < to; index += 1) {
        const vector = vectors[start + index - from];
        if (vector !== undefined) job.vectors[index] = vector;
      }
      start += to - from;
      job.tokens += shares[place] ?? 0;
      job.missing -= to - from;
      if (job.missing === 0) settle(job, () => job.resolve({ vectors: job.vectors, tokens: job.tokens }));
    }
  }

  function settle(job: Job, tell: () => void): void {
    if (job.isSettled) return;
    job.isSettled = true;
    tell();
    const place = queue.indexOf(job);
    if (place !== -1) queue.splice(place, 1);
    for (const batch of job.batches) {
      if (batch.pieces.every((piece) => piece.job.isSettled)) batch.leaving.abort();
    }
    pump();
  }

  /** @throws ModelError; the signal's reason */
  return async function embedInBatches(
    texts: readonly string[],
    signal: AbortSignal,
  ): Promise<EmbeddedBatch> {
    signal.throwIfAborted();
    if (texts.length === 0) return { vectors: [], tokens: 0 };
    let onAbort = () => {};
    try {
      return await new Promise<EmbeddedBatch>((resolve, reject) => {
        const job: Job = {
          texts,
          vectors: [],
          tokens: 0,
          next: 0,
          missing: texts.length,
          isSettled: false,
          batches: new Set(),
          scope: new AsyncResource('embedding'),
          resolve,
          reject,
        };
        onAbort = () => settle(job, () => reject(signal.reason));
        signal.addEventListener('abort', onAbort, { once: true });
        queue.push(job);
        pump();
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  };
}

/** Takes as many texts from the front of the queue as one call may hold. */
function takeBatch(queue: Job[], batchSize: number): Piece[] {
  const pieces: Piece[] = [];
  let room = batchSize;
  let tokens = 0;
  for (let job = queue[0]; job !== undefined && room > 0; job = queue[0]) {
    const from = job.next;
    for (; job.next < job.texts.length && room > 0; job.next += 1, room -= 1) {
      tokens += estimateTokens(job.texts[job.next] ?? '');
      // A text that is too long by itself goes alone: the endpoint may take it.
      if (tokens > MAX_BATCH_TOKENS && room < batchSize) {
        room = 0;
        break;
      }
    }
    if (job.next > from) pieces.push({ job, from, to: job.next });
    if (job.next === job.texts.length) queue.shift();
  }
  return pieces;
}

function estimateTokens(text: string): number {
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}

/** The tokens of a call by the length of each caller's texts, so that the sum stays what the endpoint counted. */
function shareTokens(pieces: Piece[], tokens: number): number[] {
  const lengths = pieces.map(({ job, from, to }) =>
    job.texts.slice(from, to).reduce((sum, text) => sum + text.length + 1, 0),
  );
  const whole = lengths.reduce((sum, length) => sum + length, 0);
  let length = 0;
  let given = 0;
  return lengths.map((own) => {
    length += own;
    const share = Math.round((tokens * length) / whole) - given;
    given += share;
    return share;
  });
}
