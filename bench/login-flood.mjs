// Logins with bcrypt 12 on one process with the embedded database and the built-in model: whether the time of a refused
// login tells that an address is known, how many logins there are in a second, and how long answers take meanwhile.
// node bench/login-flood.mjs [pairs of refused logins] [questions a phase]
import { loadavg } from 'node:os';
import { quantile, signUp, startBotbase } from './botbase.mjs';

const [pairs = 200, questionsPerPhase = 200] = process.argv.slice(2).map(Number);
const PASSWORD = 'correct horse battery';
const ACCOUNTS = 20;
const LOGIN_CLIENTS = 8;
const LOGIN_SECONDS = 20;
/** Less than the server lets wait, so that each login costs it a hash. */
const FLOOD_CLIENTS = 32;
const ROUNDS = 3;
const TOPICS = 60;

const load = () =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(' ');

console.log(`load before: ${load()}`);
const server = await startBotbase({ BCRYPT_ROUNDS: '12' });
try {
  const emails = await registerAccounts();
  await measureEnumeration(emails);
  await measureLogins(emails);
  await measureAnswers(emails);
} finally {
  await server.stop();
  console.log(`load after: ${load()}`);
}

async function registerAccounts() {
  const emails = Array.from({ length: ACCOUNTS }, (_, index) => `known-${index}@example.com`);
  for (const email of emails) {
    const { status } = await post('/v1/auth/register', { email, password: PASSWORD, name: 'Bench' });
    if (status !== 201) throw new Error(`an account could not be made: ${status}`);
  }
  return emails;
}

/** Refused logins one after the other, in pairs whose order is drawn: the same wrong password, at a known and an unknown address. */
async function measureEnumeration(emails) {
  const times = { known: [], unknown: [] };
  for (let pair = 0; pair < pairs; pair += 1) {
    const kinds = Math.random() < 0.5 ? ['known', 'unknown'] : ['unknown', 'known'];
    for (const kind of kinds) {
      const email = kind === 'known' ? emails[pair % emails.length] : `nobody-${pair}@example.com`;
      const { status, milliseconds } = await post('/v1/auth/login', { email, password: 'a wrong password' });
      if (status !== 401) throw new Error(`a refused login was answered ${status}`);
      times[kind].push(milliseconds);
    }
  }
  const [known, unknown] = [times.known, times.unknown].map((values) => values.toSorted((a, b) => a - b));
  console.log(
    `refused logins, ${pairs} and ${pairs}: AUC ${areaUnderCurve(known, unknown).toFixed(3)}; ` +
      `known p50 ${quantile(known, 0.5).toFixed(1)} ms, p95 ${quantile(known, 0.95).toFixed(1)} ms; ` +
      `unknown p50 ${quantile(unknown, 0.5).toFixed(1)} ms, p95 ${quantile(unknown, 0.95).toFixed(1)} ms`,
  );
}

/** How often a time of `a` is longer than one of `b`; a tie counts half. 0.5: nothing can be told. */
function areaUnderCurve(a, b) {
  const wins = a.flatMap((x) => b.map((y) => (x > y ? 1 : x === y ? 0.5 : 0)));
  return wins.reduce((sum, win) => sum + win, 0) / wins.length;
}

async function measureLogins(emails) {
  const flood = startFlood(emails, LOGIN_CLIENTS);
  await pause(LOGIN_SECONDS * 1000);
  const { seconds, statuses } = await flood.stop();
  console.log(
    `${LOGIN_CLIENTS} clients sign in: ${((statuses[200] ?? 0) / seconds).toFixed(2)} logins a second ` +
      `(${seconds.toFixed(1)} s, ${JSON.stringify(statuses)})`,
  );
}

/** Questions one after the other; phases without and with a flood take turns, so that both see the same machine. */
async function measureAnswers(emails) {
  const client = await signUp(server.url);
  const text = Array.from({ length: TOPICS }, (_, index) => `Article ${index} costs ${index + 100} euros.`);
  const source = { type: 'text', name: 'Prices', text: text.join('\n\n') };
  const { id } = await client.send('POST', '/sources', source);
  while ((await client.send('GET', `/sources/${id}`)).status !== 'ready') await pause(100);
  await ask(client, TOPICS);
  const times = { idle: [], flood: [] };
  const floods = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    times.idle.push(...(await ask(client, questionsPerPhase)));
    const flood = startFlood(emails, FLOOD_CLIENTS);
    await pause(2_000);
    times.flood.push(...(await ask(client, questionsPerPhase)));
    floods.push(await flood.stop());
  }
  const [idle, flood] = [times.idle, times.flood].map((values) => values.toSorted((a, b) => a - b));
  const told = (values) =>
    `p50 ${quantile(values, 0.5).toFixed(1)} ms, p95 ${quantile(values, 0.95).toFixed(1)} ms, p99 ${quantile(values, 0.99).toFixed(1)} ms`;
  const logins = floods.reduce((sum, { statuses }) => sum + (statuses[200] ?? 0), 0);
  const seconds = floods.reduce((sum, phase) => sum + phase.seconds, 0);
  console.log(`answers, idle: ${told(idle)} (${idle.length})`);
  console.log(
    `answers, while ${FLOOD_CLIENTS} clients sign in (${(logins / seconds).toFixed(2)} a second): ${told(flood)} (${flood.length})`,
  );
  console.log(
    `ratio: p50 ${(quantile(flood, 0.5) / quantile(idle, 0.5)).toFixed(2)}, ` +
      `p99 ${(quantile(flood, 0.99) / quantile(idle, 0.99)).toFixed(2)}`,
  );
}

async function ask(client, count) {
  const times = [];
  for (let asked = 0; asked < count; asked += 1) {
    const startedAt = performance.now();
    const { message } = await client.send('POST', '/chat', {
      message: `What does article ${asked % TOPICS} cost?`,
    });
    times.push(performance.now() - startedAt);
    if (message.status !== 'complete') throw new Error(`an answer is ${message.status}`);
  }
  return times;
}

/** Clients that sign in with the right password, each again as soon as it is answered. */
function startFlood(emails, clients) {
  const statuses = {};
  const startedAt = performance.now();
  const end = new AbortController();
  const signIn = async (_, client) => {
    const email = emails[client % emails.length];
    while (!end.signal.aborted) {
      const { status } = await post('/v1/auth/login', { email, password: PASSWORD });
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  };
  const ended = Array.from({ length: clients }, signIn);
  return {
    stop: async () => {
      end.abort();
      await Promise.all(ended);
      return { seconds: (performance.now() - startedAt) / 1000, statuses };
    },
  };
}

async function post(path, body) {
  const startedAt = performance.now();
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return { status: response.status, milliseconds: performance.now() - startedAt };
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
