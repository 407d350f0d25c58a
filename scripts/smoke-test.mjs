// Tries a running Botbase by its front door: an account, a project, a text and a PDF, and a question about each, whose
// citation must stand where it says. The project is deleted again; the account stays.
//
//   node scripts/smoke-test.mjs http://127.0.0.1:3000
import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const INDEXING_MS = 60_000;
const POLL_MS = 200;
const HANDBOOK = new URL('../handbook/handbook.pdf', import.meta.url);

const [address] = process.argv.slice(2);
if (address === undefined) {
  console.error('usage: node scripts/smoke-test.mjs URL');
  process.exit(2);
}

const account = { email: `smoke-${randomUUID()}@example.com`, password: randomUUID(), name: 'Smoke test' };
let accessToken;
({ accessToken } = await send('POST', '/v1/auth/register', account));
const project = `/v1/projects/${(await send('POST', '/v1/projects', { name: 'Smoke test' })).id}`;
await addSources();
await ask('When is the roastery closed in August?');
await ask('How long does a refund take?');
await send('DELETE', project);
console.error(`smoke test: ${address} indexed two sources and answered with citations that hold`);

async function addSources() {
  const form = new FormData();
  form.set('file', await openAsBlob(HANDBOOK), 'handbook.pdf');
  const text = 'The roastery is closed from 3 to 16 August.';
  const sources = [
    await send('POST', `${project}/sources`, form),
    await send('POST', `${project}/sources`, { type: 'text', name: 'Summer break', text }),
  ];
  for (const { id, name } of sources) await whenReady(id, name);
}

async function whenReady(sourceId, name) {
  const deadline = performance.now() + INDEXING_MS;
  for (;;) {
    const { status, error } = await send('GET', `${project}/sources/${sourceId}`);
    if (status === 'ready') return;
    if (error !== null) fail(`${name} could not be indexed: ${error.message}`);
    if (performance.now() > deadline) fail(`${name} is still ${status} after ${INDEXING_MS / 1000} s`);
    await delay(POLL_MS);
  }
}

async function ask(question) {
  const { message } = await send('POST', `${project}/chat`, { message: question });
  const [citation] = message.citations;
  if (citation === undefined) fail(`the answer to "${question}" has no citation: ${message.content}`);
  const { content } = await send('GET', `${project}/documents/${citation.documentId}`);
  if (content.slice(citation.start, citation.end) === citation.quote) return;
  fail(`the citation of "${question}" does not stand where it says`);
}

async function send(method, path, body) {
  const isForm = body instanceof FormData;
  const response = await fetch(`${address}${path}`, {
    method,
    headers: {
      ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
      ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) fail(`${method} ${path} answered ${response.status}: ${text}`);
  return text === '' ? null : JSON.parse(text);
}

function fail(reason) {
  console.error(`smoke test: ${reason}`);
  process.exit(1);
}
