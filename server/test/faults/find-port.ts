import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections (from 32768 on with Linux): while a server restarts, none
 * of its own clients' connections can take its port, nor connect to itself.
 */
const FIRST_PORT = 12_000;
const LAST_PORT = 19_999;
const MAX_TRIES = 100;

/** A port of 127.0.0.1 that is free, and that a server can leave and take again. */
export async function findPort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1);
    if (await isFree(port)) return port;
  }
  throw new Error(`found no free port in ${MAX_TRIES} tries`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
