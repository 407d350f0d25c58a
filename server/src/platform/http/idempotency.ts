import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '#kernel/app-error.js';
import { sha256Hex } from '#kernel/hash.js';
import type { Context } from '../context.js';
import { isDatabaseUnavailable } from '../database-errors.js';
import { decrypt, encrypt } from '../encryption.js';
import { retryWhileUnavailable } from '../retry-while-unavailable.js';
import { userOrNull } from './caller.js';
import {
  claimIdempotencyKey,
  deleteIdempotencyKey,
  findIdempotencyKeyOrNull,
  storeIdempotentResponse,
} from './idempotency.queries.js';

const KEEP_MS = 24 * 3_600_000;
/** A first request that has not answered by then never will; one whose process died is given up at once. */
const LOCK_MS = 10 * 60_000;
const RETRY_SECONDS = 2;
const KEY_PATTERN = /^[\x21-\x7e]{1,255}$/;

type IdempotencyContext = Pick<Context, 'db' | 'clock' | 'config' | 'processId' | 'log'>;

/** The right to be the first answer to a key. */
export interface IdempotencyClaim {
  /** Keeps the answer for a day: encrypted, since it may hold tokens. */
  store(status: number, body: string): Promise<void>;
  /** Gives the key back: the request changed nothing and may be sent again. */
  release(): Promise<void>;
}

export type IdempotencyState =
  | { type: 'unkeyed' }
  | { type: 'first'; claim: IdempotencyClaim }
  | { type: 'replay'; status: number; body: string };

const claims = new WeakMap<FastifyRequest, IdempotencyClaim>();

/**
 * Route hooks for a POST with a JSON body: the first successful answer to an `Idempotency-Key` is given again for
 * 24 hours. An error changed nothing and is not kept.
 */
export function idempotent(ctx: IdempotencyContext) {
  return {
    preHandler: async (request: FastifyRequest, reply: FastifyReply) => {
      if (request.headers['content-type']?.startsWith('multipart/') === true) return undefined;
      const state = await beginIdempotent(ctx, request, sha256Hex(JSON.stringify(request.body ?? null)));
      if (state.type === 'first') claims.set(request, state.claim);
      return state.type === 'replay' ? replay(reply, state) : undefined;
    },
    onSend: async (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
      const claim = claims.get(request);
      if (claim === undefined) return;
      claims.delete(request);
      const isKept = reply.statusCode < 300 && typeof payload === 'string';
      await (isKept ? claim.store(reply.statusCode, payload) : claim.release());
    },
  };
}

/** Leaves a claim that was made in the handler to the route's `onSend` hook. */
export function keepClaim(request: FastifyRequest, claim: IdempotencyClaim): void {
  claims.set(request, claim);
}

export function replay(reply: FastifyReply, state: { status: number; body: string }): FastifyReply {
  return reply
    .status(state.status)
    .header('idempotency-replayed', 'true')
    .type('application/json; charset=utf-8')
    .serializer((body: string) => body)
    .send(state.body);
}

/**
 * Looks at a request's `Idempotency-Key`.
 * @param requestHash SHA-256 of what was asked
 * @throws AppError `conflict` while the first request runs, `idempotency_key_reused` for another body,
 * `validation_failed` for a malformed key
 */
export async function beginIdempotent(
  ctx: IdempotencyContext,
  request: FastifyRequest,
  requestHash: string,
): Promise<IdempotencyState> {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return { type: 'unkeyed' };
  const scope = scopeOfRequest(request);
  const keyHash = sha256Hex(parseKey(header));
  const now = ctx.clock.now();
  const isFirst = await claimIdempotencyKey(
    ctx.db,
    {
      scope,
      keyHash,
      requestHash,
      processId: ctx.processId,
      lockedUntil: new Date(now.getTime() + LOCK_MS),
      expiresAt: new Date(now.getTime() + KEEP_MS),
    },
    now,
    ctx.processId,
  );
  if (isFirst) return { type: 'first', claim: claimOf(ctx, scope, keyHash) };
  const row = await findIdempotencyKeyOrNull(ctx.db, scope, keyHash);
  if (row !== null && row.requestHash !== requestHash) {
    throw new AppError(
      'idempotency_key_reused',
      'This Idempotency-Key was used with another body. Use a new one.',
    );
  }
  if (row === null || row.status === null || row.response === null) {
    throw new AppError('conflict', 'The first request with this Idempotency-Key is still running.', {
      retryAfterSeconds: RETRY_SECONDS,
    });
  }
  return { type: 'replay', status: row.status, body: readAnswer(ctx, row.response) };
}

/** @throws AppError `conflict` when the answer was kept under an `ENCRYPTION_KEY` that is no longer known */
function readAnswer(ctx: IdempotencyContext, response: Uint8Array): string {
  try {
    return decrypt(ctx.config.decryptionKeys, response);
  } catch (error) {
    throw new AppError(
      'conflict',
      'The first answer to this Idempotency-Key can no longer be read. It was carried out: do not send it again.',
      { cause: error },
    );
  }
}

function claimOf(ctx: IdempotencyContext, scope: string, keyHash: string): IdempotencyClaim {
  const claimant = { scope, keyHash, processId: ctx.processId };
  return {
    store: (status, body) => {
      const response = encrypt(ctx.config.encryptionKey, body);
      return settle(ctx, () => storeIdempotentResponse(ctx.db, claimant, { status, response }));
    },
    release: () => settle(ctx, () => deleteIdempotencyKey(ctx.db, claimant)),
  };
}

/** What was done is done: the answer goes out, and a database that is away for now hears of the key later. */
async function settle(ctx: Pick<Context, 'log'>, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!isDatabaseUnavailable(error)) throw error;
    void retryWhileUnavailable(act).catch((failure: unknown) =>
      ctx.log.warn({ err: failure }, 'an Idempotency-Key could not be settled'),
    );
  }
}

/**
 * A key belongs to its caller and its route. Programs of one user do not know each other's keys, so each API key counts
 * for itself; visitors are told apart by address and browser alone.
 */
function scopeOfRequest(request: FastifyRequest): string {
  return `${request.method} ${request.url.split('?')[0] ?? ''} ${whoAsks(request)}`;
}

function whoAsks(request: FastifyRequest): string {
  const actor = userOrNull(request)?.actor;
  if (actor === undefined) {
    const browser = sha256Hex(request.headers['user-agent'] ?? '').slice(0, 16);
    return `address ${request.ip} ${browser}`;
  }
  return actor.apiKey === null ? `user ${actor.userId}` : `api-key ${actor.apiKey.id}`;
}

function parseKey(header: string | string[]): string {
  const key = [header]
    .flat()
    .join(',')
    .replace(/^"(.*)"$/, '$1');
  if (KEY_PATTERN.test(key)) return key;
  throw new AppError(
    'validation_failed',
    'The Idempotency-Key must be 1 to 255 printable ASCII characters.',
    {
      errors: [{ path: 'Idempotency-Key', message: 'must be 1 to 255 printable ASCII characters' }],
    },
  );
}
