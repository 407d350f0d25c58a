import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

interface TelemetryPost {
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface FakeTelemetryServer {
  origin: string;
  posts: TelemetryPost[];
  /** Takes what comes and answers nothing any more. */
  hang: () => void;
  close: () => Promise<void>;
}

/** Takes whatever is posted: traces of OpenTelemetry, envelopes of Sentry. */
export async function startFakeTelemetryServer(): Promise<FakeTelemetryServer> {
  const posts: TelemetryPost[] = [];
  let isHanging = false;
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      posts.push({ path: request.url ?? '', headers: request.headers, body });
      if (isHanging) return;
      response.setHeader('content-type', 'application/json');
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posts,
    hang: () => (isHanging = true),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
