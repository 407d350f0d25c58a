import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ProcessEntry, processEntry } from '#app/entries.js';
import { type BotbaseClient, createBotbaseClient } from './botbase-client.js';
import { findChildProcess } from './child-processes.js';
import { eventually } from './eventually.js';
import { type FakeOpenAI, startFakeOpenAI } from './fakes/fake-openai.js';
import { type TokenGate, createTokenGate } from './fakes/token-gate.js';
import { largeText } from './fixtures/large-text.js';
import { type BotbaseProcess, spawnBotbase } from './start-botbase.js';
import { copyTemplate } from './test-database.js';

/** A start from source, a lease that runs out and a large text to index, on a machine that is busy. */
const PATIENT_MS = 180_000;
const DATABASE_SCRIPT = 'embedded-postgres-process';
const REFUNDS = '# Refunds\n\nA refund takes five working days. It goes to the card that was used.';

let directory: string;
let dataDir: string;
const processes: BotbaseProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'botbase-process-'));
  dataDir = join(directory, 'data');
});

afterEach(async () => {
  for (const { kill, ended } of processes.splice(0)) {
    kill('SIGKILL');
    await ended;
  }
  await rm(directory, { recursive: true, maxRetries: 20, retryDelay: 100 });
});

function spawn(
  settings: Record<string, string>,
  commandLine: string[] = [],
  program?: ProcessEntry,
): BotbaseProcess {
  const botbase = spawnBotbase({ DATA_DIR: dataDir, BCRYPT_ROUNDS: '4', ...settings }, commandLine, program);
  processes.push(botbase);
  return botbase;
}

/** Starts on a database that has its schema already: making one is the embedded database's own test. */
async function start(
  settings: Record<string, string> = {},
  program?: ProcessEntry,
): Promise<BotbaseProcess & { address: string }> {
  const isNew = (await readdir(dataDir).catch(() => [])).length === 0;
  if (isNew) await copyTemplate(dataDir);
  const botbase = spawn(settings, [], program);
  return { ...botbase, address: await botbase.url };
}

async function killHard({ kill, ended }: BotbaseProcess): Promise<void> {
  kill('SIGKILL');
  expect(await ended).toEqual({ exitCode: null, signal: 'SIGKILL' });
}

describe('a start that cannot succeed', () => {
  it('prints one line for each variable that is wrong, exits with 1 and has touched nothing', async () => {
    const { ended, stdoutLines, stderrLines } = spawn({
      PORT: 'eighty',
      LOG_LEVEL: 'loud',
      JWT_EXPIRY: '1 day',
    });
    expect(await ended).toEqual({ exitCode: 1, signal: null });
    expect(stderrLines.map((line) => line.split(':')[0])).toEqual(['PORT', 'JWT_EXPIRY', 'LOG_LEVEL']);
    expect(stdoutLines).toEqual([]);
    expect(await readdir(directory)).toEqual([]);
  });

  it('exits with 1 at an unknown command, and names it', async () => {
    const { ended, stderrLines } = spawn({}, ['everything']);
    expect((await ended).exitCode).toBe(1);
    expect(stderrLines[0]).toBe('Unknown command: everything');
    expect(await readdir(directory)).toEqual([]);
  });

  it('needs no database and no settings to show its help', async () => {
    const { ended, stdoutLines, stderrLines } = spawn({ PORT: 'eighty' }, ['--help']);
    expect((await ended).exitCode).toBe(0);
    expect(stdoutLines.join('\n')).toContain('Usage:');
    expect(stderrLines).toEqual([]);
    expect(await readdir(directory)).toEqual([]);
  });

  it('exits with 1 and a clear message when another process has the directory, which goes on', async () => {
    const first = await start();
    const client = await createBotbaseClient(first.address);
    const second = spawn({});
    expect((await second.ended).exitCode).toBe(1);
    expect(second.stderrLines).toEqual([
      `The data directory ${dataDir} is in use by another Botbase process. ` +
        'Stop that one, or set DATA_DIR to another directory.',
    ]);
    const { id } = await client.addText('Refunds', REFUNDS);
    expect((await client.whenEnded(id)).status).toBe('ready');
  });

  it('exits with 1 and a message when its port is taken', async () => {
    const first = await start();
    await copyTemplate(join(directory, 'other'));
    const second = spawn({ DATA_DIR: join(directory, 'other'), PORT: new URL(first.address).port });
    expect((await second.ended).exitCode).toBe(1);
    expect(second.stderrLines.join('\n')).toContain('EADDRINUSE');
  });
});

describe('SIGTERM', () => {
  it('ends the process with 0, and the next one has what it knew', async () => {
    // As `npm run dev` does it: from the sources, and so are the processes that it starts.
    const first = await start({}, processEntry('main'));
    const client = await createBotbaseClient(first.address);
    await client.whenEnded((await client.addText('Refunds', REFUNDS)).id);
    first.kill('SIGTERM');
    expect(await first.ended).toEqual({ exitCode: 0, signal: null });

    const second = await start();
    const { message } = await client.at(second.address).ask('How long does a refund take?');
    expect(message.citations[0]?.quote).toBe('A refund takes five working days.');
  });

  describe('and kill -9 in mid-stream', () => {
    let openai: FakeOpenAI;
    let gate: TokenGate;
    let botbase: BotbaseProcess & { address: string };
    let client: BotbaseClient;
    let settings: Record<string, string>;

    beforeEach(async () => {
      gate = createTokenGate();
      openai = await startFakeOpenAI({ tokenGate: gate });
      settings = { OPENAI_BASE_URL: openai.baseUrl, OPENAI_EMBEDDING_MODEL: 'none' };
      botbase = await start(settings);
      client = await createBotbaseClient(botbase.address);
      await client.whenEnded((await client.addText('Refunds', REFUNDS)).id);
    });

    afterEach(() => openai.close());

    /** Reads an answer up to its first words; the model holds back the others. */
    async function readFirstWords() {
      const events = client.stream('How long does a refund take?');
      gate.release(3);
      let conversationId = '';
      for (;;) {
        const { value, done } = await events.next();
        if (done === true) throw new Error('the answer ended before its first words');
        if (value.name === 'start') ({ conversationId } = value.data);
        if (value.name === 'delta') return { events, conversationId };
      }
    }

    it('lets an answer finish that is being written, and takes no new connection', async () => {
      const { events, conversationId } = await readFirstWords();
      botbase.kill('SIGTERM');
      await eventually('the server to listen no more', () =>
        client.findSource(conversationId).then(
          () => null,
          (error: unknown) => (error instanceof TypeError ? true : null),
        ),
      );
      gate.open();
      const rest = [];
      for await (const event of events) rest.push(event);
      expect(rest.at(-1)).toMatchObject({
        name: 'done',
        data: { message: { status: 'complete', content: 'A refund takes five working days [1].' } },
      });
      expect(await botbase.ended).toEqual({ exitCode: 0, signal: null });
    });

    it('leaves no answer that is being written for ever, and the conversation goes on', async () => {
      const { conversationId } = await readFirstWords();
      expect((await client.listMessages(conversationId)).map(({ status }) => status)).toEqual([
        'complete',
        'streaming',
      ]);
      await killHard(botbase);
      gate.open();
      const revived = client.at((await start(settings)).address);
      expect((await revived.listMessages(conversationId)).map(({ status }) => status)).toEqual([
        'complete',
        'failed',
      ]);
      const { message } = await revived.ask('How long does a refund take?');
      expect(message.status).toBe('complete');
    });
  });
});

describe('kill -9', () => {
  it(
    'in the middle of indexing is made good by the next process, without a chunk too many',
    { timeout: PATIENT_MS },
    async () => {
      const first = await start();
      const before = await createBotbaseClient(first.address);
      const { id } = await before.addText(
        'Ledger',
        largeText({ fact: 'The violin of Marisol Quintero hangs in the brewery of Dunmore.' }),
      );
      await eventually('the index to be half written', async () => {
        const { progress } = await before.findSource(id);
        return progress.stage === 'indexing' && progress.done > 0 ? true : null;
      });
      await killHard(first);

      const client = before.at((await start()).address);
      const interrupted = await client.findSource(id);
      expect([interrupted.status, interrupted.chunkCount]).toEqual(['processing', 0]);
      const source = await client.whenEnded(id, PATIENT_MS);
      expect(source).toMatchObject({ status: 'ready', documentCount: 1, error: null });
      const [summary] = await client.listDocuments(id);
      const { content, chunkCount } = await client.findDocument(summary?.id ?? '');
      const chunks = await client.listChunks(summary?.id ?? '');
      expect([chunks.length, source.chunkCount]).toEqual([chunkCount, chunkCount]);
      expect(chunks.map(({ chunkIndex }) => chunkIndex)).toEqual(chunks.map((_, index) => index));
      let end = 0;
      for (const chunk of chunks) {
        expect(chunk.content).toBe(content.slice(chunk.start, chunk.end));
        expect(content.slice(end, chunk.start).trim()).toBe('');
        expect(chunk.end).toBeGreaterThan(end);
        ({ end } = chunk);
      }
      expect(content.slice(end).trim()).toBe('');
      const { message } = await client.ask('Where does the violin of Marisol Quintero hang?');
      expect(message.citations.map(({ quote }) => quote)).toContain(
        'The violin of Marisol Quintero hangs in the brewery of Dunmore.',
      );
    },
  );

  it(
    'of the embedded database costs some requests at most: it is back by itself',
    { timeout: PATIENT_MS },
    async () => {
      const { address, processId } = await start();
      const client = await createBotbaseClient(address);
      const findDatabase = () => findChildProcess(processId, DATABASE_SCRIPT);
      const killed = await eventually('the database', findDatabase);
      const sourceIds = [(await client.addText('Refunds', REFUNDS)).id];
      const over = new AbortController();
      const callers = Array.from({ length: 4 }, async (_, caller) => {
        for (let call = 0; !over.signal.aborted; call += 1) {
          const added = await client
            .addText(`Note ${caller}.${call}`, 'The herring came in at dawn.')
            .catch(() => null);
          if (added !== null) sourceIds.push(added.id);
          await client.ask('How long does a refund take?').catch(() => null);
        }
      });
      await eventually('some sources', () => (sourceIds.length >= 4 ? true : null));
      process.kill(killed, 'SIGKILL');
      const countAtKill = sourceIds.length;
      await eventually('another database', async () => {
        const found = await findDatabase();
        return found !== null && found !== killed ? true : null;
      });
      await eventually('requests to succeed again', () =>
        sourceIds.length >= countAtKill + 8 ? true : null,
      );
      over.abort();
      await Promise.all(callers);

      const sources = await Promise.all(sourceIds.map((id) => client.whenEnded(id, PATIENT_MS)));
      expect(new Set(sources.map(({ status }) => status))).toEqual(new Set(['ready']));
      const { message } = await client.ask('How long does a refund take?');
      expect(message).toMatchObject({ status: 'complete', refusal: null });
    },
  );
});
