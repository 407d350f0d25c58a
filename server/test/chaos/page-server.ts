import { once } from 'node:events';
import { type ServerResponse, createServer } from 'node:http';
import { findPort } from '../faults/find-port.js';

export interface PageServer {
  url: string;
  /** From now on requests wait; or from now on they do not, while those that wait go on waiting. */
  hold: (isOn: boolean) => void;
  /** Answers the requests that wait. */
  release: () => void;
  requests: { port: number; hasLeft: boolean }[];
  close: () => Promise<void>;
}

/** A web server with one page, which it may keep back. */
export async function startPageServer(page: string): Promise<PageServer> {
  const requests: PageServer['requests'] = [];
  let isHolding = false;
  let held: ServerResponse[] = [];
  const answer = (response: ServerResponse) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
  const server = createServer((incoming, response) => {
    const request = { port: incoming.socket.remotePort ?? 0, hasLeft: false };
    requests.push(request);
    response.on('close', () => (request.hasLeft = !response.writableFinished));
    if (isHolding) held.push(response);
    else answer(response);
  });
  const port = await findPort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${port}/page.html`,
    hold: (isOn) => void (isHolding = isOn),
    release: () => {
      for (const response of held) answer(response);
      held = [];
    },
    requests,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
