import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from './create-test-app.js';
import { mustBeRefused } from './raw-requests.js';

let app: TestApp;
let port: number;

beforeAll(async () => {
  app = await createTestApp();
  await app.server.listen({ port: 0, host: '127.0.0.1' });
  ({ port } = app.server.server.address() as AddressInfo);
});
afterAll(() => app.close());

/** All that comes back over one connection until the server ends it. */
async function talk(bytes: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.end(Buffer.from(bytes, 'latin1'));
  return text(socket).catch(() => 'reset');
}

const statusesOf = (reply: string) =>
  [...reply.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

describe('requests that can be read in two ways, or are none', () => {
  it.each(mustBeRefused)('with %s get one refusal, and the connection ends', async (_what, bytes) => {
    const reply = await talk(bytes);
    expect(statusesOf(reply)).toEqual([400]);
    expect(reply.toLowerCase()).toContain('\r\nconnection: close\r\n');
    expect(reply.toLowerCase()).toContain('content-type: application/problem+json');
  });

  it('are told from good ones, which are answered one after the other', async () => {
    const good = 'GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n';
    expect(statusesOf(await talk(good + good))).toEqual([200, 200]);
  });
});

describe('slow and large requests', () => {
  it('have a limit on the time of their head, on the time of all of it, and on the size of their head', () => {
    const { headersTimeout, requestTimeout, keepAliveTimeout } = app.server.server;
    expect({ headersTimeout, requestTimeout }).toEqual({ headersTimeout: 15_000, requestTimeout: 120_000 });
    expect(keepAliveTimeout).toBeGreaterThan(0);
  });

  it.each([8, 12, 15])(
    'with a credential of %i KiB are refused like any other wrong one',
    async (kibibytes) => {
      const length = kibibytes * 1024 - 200;
      let nested = 'x';
      while (nested.length < length / 2) nested = Buffer.from(`Bearer ${nested}`).toString('base64');
      for (const credential of [
        'x'.repeat(length),
        nested,
        'a.'.repeat(length / 2),
        ' '.repeat(length),
        '='.repeat(length),
      ]) {
        const head = `GET /v1/projects HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${credential}\r\nConnection: close\r\n\r\n`;
        expect(statusesOf(await talk(head))).toEqual([401]);
      }
    },
  );
});
