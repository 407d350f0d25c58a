import { readFile } from 'node:fs/promises';
import { type Socket, connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readProcessResources } from '../faults/process-resources.js';
import { eventually } from '../eventually.js';
import { type Chaos, countRows, startChaos } from './chaos-cluster.js';
import { note, recordRecovery } from './recovery-times.js';
import { findUnserved, slowerThan, startTraffic } from './traffic.js';

const MIB = 1024 * 1024;
/** What the kernel buffers of a connection on this machine is a fraction of it. */
const ANSWER_BYTES = 4 * MIB;
const SLOW_READERS = 6;
/** What a process may hold more of meanwhile: an answer is held as events, as text and as what is on its way. */
const MAX_GROWTH_BYTES = 512 * MIB;
const CUT_MS = 75_000;
const SLOW_HEADERS = 300;
const HEADERS_CLOSED_MS = 30_000;
const SLOW_BODIES = 50;
/** 50 MiB at 4 Mbit/s take nearly as long. */
const BODIES_CLOSED_MS = 135_000;
const OTHERS_MS = 5_000;

let chaos: Chaos;
const sockets: Socket[] = [];

beforeAll(async () => {
  chaos = await startChaos();
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await chaos.close();
});

interface RawClient {
  socket: Socket;
  text: () => string;
  isClosed: () => boolean;
}

/** Sends this, and reads what comes unless it is told not to. */
function openRaw(url: string, text: string, { isReading }: { isReading: boolean }): RawClient {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let received = '';
  let isClosed = false;
  socket.on('error', () => {});
  socket.on('close', () => (isClosed = true));
  if (isReading) socket.setEncoding('utf8').on('data', (part: string) => (received += part));
  else socket.pause();
  socket.write(text);
  sockets.push(socket);
  return { socket, text: () => received, isClosed: () => isClosed };
}

/** Columns of /proc/net/tcp, and what it says of a connection that is open at this end. */
const REMOTE_ADDRESS = 2;
const STATE = 3;
const ESTABLISHED = '01';

/** How many of these clients have a connection that is still open at the server's end; Linux only. */
async function countEstablished(clients: RawClient[]): Promise<number> {
  const ports = new Set(clients.map(({ socket }) => socket.localPort));
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
  return lines.filter((columns) => {
    const port = Number.parseInt(columns[REMOTE_ADDRESS]?.split(':')[1] ?? '', 16);
    return columns[STATE] === ESTABLISHED && ports.has(port);
  }).length;
}

const isClosedIn = async (clients: RawClient[], timeoutMs: number) => {
  await eventually(
    'all to be closed',
    () => (clients.every(({ isClosed }) => isClosed()) ? true : null),
    timeoutMs,
  );
};

const startOthers = () => startTraffic(chaos, { perSecond: 20, acts: ['read', 'login', 'ask'] });

async function expectUnharmed(others: ReturnType<typeof startOthers>): Promise<void> {
  await others.stop();
  expect(findUnserved(others.samples)).toEqual([]);
  expect(slowerThan(others.samples, OTHERS_MS)).toEqual([]);
}

it('readers who stop reading a long answer are cut off, hold little memory, and disturb nobody', async () => {
  const { cluster, openai, accounts, urls } = chaos;
  const cutting = recordRecovery('reader stops reading -> cut off');
  // In long words, each an event of the model's: in short ones it would be more than is read of a model.
  const sentence = `${'refund'.repeat(80)} takes five days. `;
  const long = `${sentence.repeat(Math.ceil(ANSWER_BYTES / sentence.length))}[1].`;
  openai.set({
    reply: (messages) => (JSON.stringify(messages).includes('at length') ? long : 'Five days [1].'),
  });
  const [account] = accounts;
  const head = ['POST', `${account.project}/chat`, 'HTTP/1.1'].join(' ');
  const body = JSON.stringify({ message: 'How long does a refund take, at length?', stream: true });
  const request = [
    head,
    'host: localhost',
    `authorization: Bearer ${account.accessToken}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
  const processes = [cluster.api(0).processId(), cluster.api(1).processId()];
  const before = await Promise.all(processes.map(readProcessResources));
  const openedAt = performance.now();
  const readers = Array.from({ length: SLOW_READERS }, (_, index) =>
    openRaw(urls[index % 2 === 0 ? 0 : 1], request, { isReading: false }),
  );
  await eventually('the answers to be written', async () => {
    const ended = `messages where role = 'assistant' and status <> 'streaming' and length(content) > $1`;
    return (await countRows(cluster, ended, [ANSWER_BYTES / 2])) >= SLOW_READERS ? true : null;
  });
  const held = await Promise.all(processes.map(readProcessResources));
  // From now on: to write answers of this size is work enough for two cores.
  const others = startOthers();
  const growth = held.map(({ residentBytes }, index) => residentBytes - (before[index]?.residentBytes ?? 0));
  note(
    `${SLOW_READERS} readers of ${ANSWER_BYTES / MIB} MiB who read nothing: ${growth.map((bytes) => Math.round(bytes / MIB)).join(' and ')} MiB more`,
  );
  // A socket that does not read does not see the end of its connection: the kernel does.
  await eventually(
    'the readers to be cut off',
    async () => ((await countEstablished(readers)) === 0 ? true : null),
    CUT_MS,
  );
  cutting.add(openedAt);
  cutting.print();
  await expectUnharmed(others);
  for (const { socket } of readers) socket.destroy();
  expect(growth.filter((bytes) => bytes > MAX_GROWTH_BYTES)).toEqual([]);
  expect(await chaos.findBroken()).toEqual([]);
});

it('clients that send their headers slowly are closed with 408, and disturb nobody', async () => {
  const { urls } = chaos;
  const closing = recordRecovery('slow headers -> closed');
  const others = startOthers();
  const openedAt = performance.now();
  const clients = Array.from({ length: SLOW_HEADERS }, (_, index) =>
    openRaw(urls[index % 2 === 0 ? 0 : 1], 'GET /v1/projects HTTP/1.1\r\nhost: localhost\r\n', {
      isReading: true,
    }),
  );
  const dripping = setInterval(() => {
    for (const { socket } of clients) if (socket.writable) socket.write('x-slow: y\r\n');
  }, 1_000);
  await isClosedIn(clients, HEADERS_CLOSED_MS).finally(() => clearInterval(dripping));
  closing.add(openedAt);
  closing.print();
  await expectUnharmed(others);
  const answered = clients.map(({ text }) => text());
  expect(answered.filter((text) => text !== '' && !text.startsWith('HTTP/1.1 408'))).toEqual([]);
  expect(answered.filter((text) => text.includes('application/problem+json')).length).toBeGreaterThan(0);
});

it('clients that send a body slowly are closed, leave no file, and disturb nobody', async () => {
  const { accounts, urls } = chaos;
  const closing = recordRecovery('slow uploads -> closed');
  const [account] = accounts;
  const part = '--edge\r\ncontent-disposition: form-data; name="file"; filename="slow.txt"\r\n\r\nslow';
  const head = [
    `POST ${account.project}/sources HTTP/1.1`,
    'host: localhost',
    `authorization: Bearer ${account.accessToken}`,
    'content-type: multipart/form-data; boundary=edge',
    'content-length: 1000000',
    '',
    part,
  ].join('\r\n');
  const others = startOthers();
  const openedAt = performance.now();
  const clients = Array.from({ length: SLOW_BODIES }, (_, index) =>
    openRaw(urls[index % 2 === 0 ? 0 : 1], head, { isReading: true }),
  );
  const dripping = setInterval(() => {
    for (const { socket } of clients) if (socket.writable) socket.write('slow');
  }, 1_000);
  await isClosedIn(clients, BODIES_CLOSED_MS).finally(() => clearInterval(dripping));
  closing.add(openedAt);
  closing.print();
  await expectUnharmed(others);
  expect(clients.map(({ text }) => text()).filter((text) => text.startsWith('HTTP/1.1 2'))).toEqual([]);
  expect(await chaos.findBroken()).toEqual([]);
});
