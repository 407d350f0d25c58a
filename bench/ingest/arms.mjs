// The arms that are compared: each is started, idle, then told to ingest a directory into a database of its own.
import { spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { signUp, startBotbase } from '../botbase.mjs';
import { startScript } from './processes.mjs';

/** Exactly these, so that figures of another day are of the same code. */
const LANGCHAIN_PACKAGES = [
  '@langchain/community@1.1.29',
  '@langchain/core@1.4.0',
  '@langchain/openai@1.6.0',
  '@langchain/textsplitters@1.0.2',
  'pg@8.23.1',
];
const UPLOADS_AT_ONCE = 8;
const POLL_MS = 200;
const CHUNKS_IN_TABLE = 'select count(*)::int as chunks, count(embedding)::int as vectors from chunks';

/** @returns the arms that can run here; `close` takes away what they needed */
export async function prepareArms(nodeArguments) {
  const langchain = await installLangchain();
  const arms = [{ name: 'anchor', start: (env) => startScriptArm('anchor-arm.mjs', env) }];
  if (langchain !== null) {
    const file = join(langchain, 'langchain-arm.mjs');
    arms.push({ name: 'LangChain.js', start: (env) => startScriptArm(file, env) });
  }
  arms.push({ name: 'Botbase', start: (env) => startBotbaseArm(env, nodeArguments) });
  const close = () => langchain && rm(langchain, { recursive: true, force: true });
  return { arms, close };
}

/** Into a directory of its own: it is no dependency of this project. @returns null where that fails */
async function installLangchain() {
  const directory = await mkdtemp(join(tmpdir(), 'botbase-bench-langchain-'));
  await writeFile(join(directory, 'package.json'), '{"type":"module","private":true}');
  const flags = ['--no-save', '--no-audit', '--no-fund', '--legacy-peer-deps', '--ignore-scripts'];
  const { status, stderr } = spawnSync('npm', ['install', ...flags, ...LANGCHAIN_PACKAGES], {
    cwd: directory,
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.log(`LangChain.js is skipped: its packages cannot be installed here.\n${stderr.slice(-500)}`);
    await rm(directory, { recursive: true, force: true });
    return null;
  }
  const script = fileURLToPath(new URL('langchain-arm.mjs', import.meta.url));
  await copyFile(script, join(directory, basename(script)));
  return directory;
}

async function startScriptArm(file, env) {
  const script = await startScript(file, { env });
  return {
    processId: script.processId,
    ingest: (directory) => script.ask({ directory }),
    countSql: CHUNKS_IN_TABLE,
    stop: () => script.stop(),
  };
}

async function startBotbaseArm(env, nodeArguments) {
  const server = await startBotbase(env, nodeArguments);
  const client = await signUp(server.url);
  return {
    processId: server.processId,
    ingest: (directory) => uploadAll({ server, client, directory }),
    countSql: `select count(*)::int as chunks, count(embeddings.id)::int as vectors from document_chunks
      left join embeddings on embeddings.project_id = document_chunks.project_id and chunk_id = document_chunks.id`,
    stop: () => server.stop(),
  };
}

/** Each file is a source; done when all of them are ready and one can be found. */
async function uploadAll({ server, client, directory }) {
  const names = await readdir(directory);
  const next = names.values();
  const uploadNext = async () => {
    for (const name of next)
      await upload({ server, client, name, text: await readFile(join(directory, name)) });
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, uploadNext));
  for (const status of ['queued', 'processing']) await whenNone(client, status);
  const failed = await client.send('GET', '/sources?status=failed&limit=1');
  if (failed.data.length > 0) throw new Error(`a source failed: ${failed.data[0].error.message}`);
  const found = await client.send('POST', '/search', { query: 'Which retention period is valid?' });
  if (found.results.length === 0) throw new Error('what was ingested cannot be found');
  return {};
}

async function upload({ server, client, name, text }) {
  const form = new FormData();
  form.append('file', new Blob([text], { type: 'text/markdown' }), name);
  const response = await fetch(`${server.url}/v1/projects/${client.projectId}/sources`, {
    method: 'POST',
    headers: { authorization: `Bearer ${client.token}` },
    body: form,
  });
  if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

/** A source that is queued is processed next, so the statuses are asked for in this order. */
async function whenNone(client, status) {
  while ((await client.send('GET', `/sources?status=${status}&limit=1`)).data.length > 0) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
