import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

import { onTestFinished } from 'vitest';

export interface LoopbackServer {
  /** Without a slash at the end. */
  url: string;
  port: number;
  /** How many it has seen, whether they asked anything or not. */
  connections: number;
  requests: string[];
}

/** A web server on an address of loopback, until the end of the test. @param port unset: a free one */
export async function serveOnLoopback(
  listener: RequestListener,
  host = '127.0.0.1',
  port = 0,
): Promise<LoopbackServer> {
  const seen: LoopbackServer = { connections: 0, url: '', port: 0, requests: [] };
  const server = createServer((request, response) => {
    seen.requests.push(request.url ?? '');
    listener(request, response);
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  server.on('connection', () => (seen.connections += 1));
  server.listen(port, host);
  await once(server, 'listening');
  seen.port = (server.address() as AddressInfo).port;
  seen.url = `http://${host}:${seen.port}`;
  return seen;
}
