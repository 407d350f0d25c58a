import { describe, expect, it } from 'vitest';

import { errorFromBody, errorFromNetwork, errorFromStatus, findSystemCode } from './endpoint-error.js';

describe('errorFromStatus', () => {
  it.each([
    [301, 'bad_reply'],
    [400, 'rejected'],
    [401, 'rejected'],
    [403, 'rejected'],
    [404, 'rejected'],
    [408, 'timeout'],
    [413, 'rejected'],
    [422, 'rejected'],
    [429, 'rate_limited'],
    [500, 'unavailable'],
    [502, 'unavailable'],
    [503, 'unavailable'],
    [529, 'unavailable'],
  ])('tells %i as %s', (status, kind) => {
    expect(errorFromStatus(status, {}, undefined)).toMatchObject({ kind, retryAfterSeconds: null });
  });

  it.each([
    ['12', 12],
    ['0', 0],
    ['1.2', 2],
    ['Thu, 15 Jan 2026 12:00:30 GMT', 30],
    ['Thu, 15 Jan 2026 11:00:00 GMT', 0],
    ['soon', null],
    ['-5', null],
    ['', null],
  ])('reads Retry-After: %s as %s seconds', (retryAfter, seconds) => {
    const headers = { 'retry-after': retryAfter, date: 'Thu, 15 Jan 2026 12:00:00 GMT' };
    expect(errorFromStatus(429, headers, undefined).retryAfterSeconds).toBe(seconds);
    expect(errorFromStatus(503, headers, undefined).retryAfterSeconds).toBe(seconds);
  });

  it('tells the code of the endpoint, and no prose', () => {
    const body = {
      error: { message: 'No model named canary', type: 'invalid_request_error', code: 'model_not_found' },
    };
    expect(errorFromStatus(404, {}, body).message).toBe(
      'the model endpoint refused the request (404, model_not_found)',
    );
    expect(errorFromStatus(400, {}, { error: { code: 'canary in a sentence', type: null } }).message).toBe(
      'the model endpoint refused the request (400)',
    );
  });
});

describe('errorFromBody', () => {
  it.each([
    [{ code: 429, message: 'canary' }, 'rate_limited'],
    [{ error: { code: 502 } }, 'unavailable'],
    [{ code: 400 }, 'rejected'],
    [{ type: 'rate_limit_error' }, 'rate_limited'],
    [{ type: 'overloaded_error' }, 'unavailable'],
    ['canary', 'unavailable'],
    [null, 'unavailable'],
  ])('tells %j as %s', (body, kind) => {
    const error = errorFromBody(body);
    expect(error.kind).toBe(kind);
    expect(error.message).not.toContain('canary');
  });
});

describe('errorFromNetwork', () => {
  it('tells the code at the root', () => {
    const root = Object.assign(new Error('getaddrinfo ENOTFOUND models.example'), { code: 'ENOTFOUND' });
    const error = errorFromNetwork(new TypeError('fetch failed', { cause: root }));
    expect(error).toMatchObject({
      kind: 'unavailable',
      message: 'the model endpoint cannot be reached (ENOTFOUND)',
      cause: undefined,
    });
  });

  it('does without a code, and with causes that run in a circle', () => {
    const error = new Error('odd');
    error.cause = error;
    expect(findSystemCode(error)).toBeNull();
    expect(errorFromNetwork(error).message).toBe('the model endpoint cannot be reached');
  });
});
