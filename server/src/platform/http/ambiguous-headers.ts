import type { FastifyInstance } from 'fastify';
import { AppError } from '#kernel/app-error.js';

/** Fields of which a request has one: of two, this server and a proxy before it might each believe another. */
const SINGLE = new Set([
  'authorization',
  'content-type',
  'host',
  'idempotency-key',
  'conversation-token',
  'origin',
]);

/** Refuses requests whose head can be read in two ways (RFC 9112, 3.2); the parser refuses the other such heads. */
export function refuseAmbiguousHeaders(server: FastifyInstance): void {
  server.addHook('onRequest', async ({ raw }, reply) => {
    const refusal = (detail: string) => {
      reply.header('connection', 'close');
      return new AppError('malformed', detail);
    };
    if (raw.httpVersion === '1.1' && raw.headers.host === undefined)
      throw refusal('The request has no Host header.');
    const seen = new Set<string>();
    for (let index = 0; index < raw.rawHeaders.length; index += 2) {
      const name = raw.rawHeaders[index]?.toLowerCase() ?? '';
      if (!SINGLE.has(name)) continue;
      if (seen.has(name)) throw refusal(`The header ${name} was sent twice. Send it once.`);
      seen.add(name);
    }
  });
}
