// From nothing to a conversation: starts Botbase on a temporary directory, gives it a handbook in three formats, asks
// four questions and holds every citation against its document. Needs no key, leaves nothing behind.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BotbaseClient, createBotbaseClient } from '#test/botbase-client.js';
import { spawnBotbase } from '#test/start-botbase.js';
import { askQuestion } from './demo/ask-question.js';
import { createPrinter } from './demo/printer.js';

const HANDBOOK = ['handbook.md', 'handbook.pdf', 'handbook.docx'].map((name) =>
  fileURLToPath(new URL(`../../handbook/${name}`, import.meta.url)),
);
/** The handbook does not answer the last one. */
const QUESTIONS = [
  'When is the café open on Saturday?',
  'How long is the warranty on the motor of the E60 grinder?',
  'How long does a refund take?',
  'Do you have vegan croissants?',
];
const NAME_COLUMNS = 16;
const EXIT_INTERRUPTED = 130;

const print = createPrinter(process.stdout);
const dataDir = await mkdtemp(join(tmpdir(), 'botbase-demo-'));
const botbase = spawnBotbase({ DATA_DIR: dataDir });
let isInterrupted = false;
// More than once: a terminal sends Ctrl-C to every process of the group, and npm passes it on besides.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
process.exit(await run());

async function run(): Promise<number> {
  try {
    return await showConversation();
  } catch (error) {
    if (isInterrupted) return EXIT_INTERRUPTED;
    process.stderr.write(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await cleanUp();
  }
}

/** Without its server the conversation fails at its next step, and all is cleaned up as ever. */
function interrupt(): void {
  isInterrupted = true;
  botbase.kill('SIGTERM');
}

async function showConversation(): Promise<number> {
  const startedAt = performance.now();
  print.line(print.paint('bold', 'Botbase: from nothing to answers whose citations hold'));
  print.rule();
  const url = await botbase.url;
  printStep('Server', `${url}, ready in ${secondsSince(startedAt)}`);
  const client = await createBotbaseClient(url, 'Harbour Coffee');
  for (const path of HANDBOOK) await addFile(client, path);
  const results = [];
  for (const question of QUESTIONS) results.push(await askQuestion(client, print, question));
  const citations = results.reduce((sum, result) => sum + result.citations, 0);
  const broken = results.reduce((sum, result) => sum + result.broken, 0);
  print.line();
  print.rule();
  if (broken > 0 || citations === 0) {
    print.line(print.paint('red', `✗ ${broken} of ${citations} citations do not hold.`));
    return 1;
  }
  print.line(
    `${print.paint('green', '✓')} ${citations} citations, each to the letter what stands in its document.`,
  );
  print.line(
    print.paint('dim', `  ${secondsSince(startedAt)} in all, with the built-in model: no key was needed.`),
  );
  return 0;
}

async function addFile(client: BotbaseClient, path: string): Promise<void> {
  const addedAt = performance.now();
  const { id } = await client.addFile(path);
  const { status, chunkCount, error } = await client.whenEnded(id);
  if (status !== 'ready')
    throw new Error(`${basename(path)} is ${status}: ${error?.message ?? 'no reason given'}`);
  printStep(basename(path), `${chunkCount} chunks, ready in ${secondsSince(addedAt)}`);
}

function printStep(name: string, text: string): void {
  print.line(`${name.padEnd(NAME_COLUMNS)}${print.paint('dim', text)}`);
}

function secondsSince(startedAt: number): string {
  return `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}

async function cleanUp(): Promise<void> {
  botbase.kill('SIGTERM');
  await botbase.ended;
  // The embedded database outlives an interrupted start by an instant.
  await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
