import { startFaults } from '#app/start-faults.js';
import { type Role, parseConfig } from '#platform/config/config.js';
import { createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import { parseAdminOptions, runAdminCommand } from '#app/admin-command.js';
import { runAuditCommand } from '#app/audit-command.js';
import { runUsageCommand } from '#app/usage-command.js';
import { parseEvalOptions, runEvalCommand } from '#app/eval-command.js';
import { runEmbeddingsCommand } from '#app/embeddings-command.js';
import { loadSecrets } from '#app/load-secrets.js';
import { openDatabase } from '#app/open-database.js';
import { runBotbase } from '#app/run-botbase.js';

const HELP = `Botbase: sources in, streamed answers with citations that hold out.

Usage: node server/dist/main.js [command]

  all       API and workers in one process (the default, or what ROLE says)
  api       answers requests
  worker    runs jobs and scheduled tasks
  migrate   brings the database up to date and ends
  embeddings [status|confirm]
            tells how far a change of the embedding model has come; deletes the old vectors
  admin grant|revoke <email>
            makes an account an admin, or an ordinary one again
  eval --project <id> --test-set <id> [--fail-under hitRate=0.9,refusalAccuracy=0.8]
            asks the questions of a test set; exit status 1 when a figure is under what is asked for
  audit verify
            compares the audit log with its seals; exit status 1 when something was changed or is missing
  usage verify
            recomputes every counter of usage from the ledger; exit status 1 when one differs
  --help    this text

Settings come from environment variables: see ENV_CONFIG.md.
`;

const EXIT_FAULT = 1;

process.exit(await run(process.argv[2], process.argv.slice(3)));

async function run(command: string | undefined, rest: string[]): Promise<number> {
  const [argument] = rest;
  switch (command) {
    case '--help':
    case '-h':
    case 'help':
      process.stdout.write(HELP);
      return 0;
    case undefined:
      return guarded(() => serve({}));
    case 'all':
    case 'api':
    case 'worker':
      return guarded(() => serve({ ROLE: command }));
    case 'migrate':
      return guarded(migrate);
    case 'embeddings':
      if (argument === undefined || argument === 'status' || argument === 'confirm')
        return guarded(() => embeddings(argument ?? 'status'));
      process.stderr.write(`Unknown act: embeddings ${argument}\n\n${HELP}`);
      return EXIT_FAULT;
    case 'admin':
      return guarded(() => administer(rest));
    case 'eval':
      return guarded(() => evaluate(rest));
    case 'audit':
      if (argument === 'verify') return guarded(verifyAudit);
      process.stderr.write(`Unknown act: audit ${argument ?? ''}\n\n${HELP}`);
      return EXIT_FAULT;
    case 'usage':
      if (argument === 'verify') return guarded(verifyUsage);
      process.stderr.write(`Unknown act: usage ${argument ?? ''}\n\n${HELP}`);
      return EXIT_FAULT;
    default:
      process.stderr.write(`Unknown command: ${command}\n\n${HELP}`);
      return EXIT_FAULT;
  }
}

async function serve(chosen: { ROLE?: Role }): Promise<number> {
  const config = await loadSecrets(parseConfig({ ...process.env, ...chosen }));
  const log = createLogger(config.logLevel);
  // From the first moment on: as process 1 of a container nothing else would end it during its start.
  const stopped = stopSignal();
  const botbase = await Promise.race([runBotbase(config), stopped.then(() => null)]);
  if (botbase === null) {
    log.info('stopped before it was ready');
    return 0;
  }
  const { url } = botbase;
  const what = config.role === 'worker' ? `A worker is ready: ${url}/health` : `Botbase is ready at ${url}`;
  const hint = config.role === 'worker' ? '' : ` (API reference: ${url}/docs)`;
  log.info({ url, role: config.role }, `${what}${hint}`);
  const signal = await stopped;
  log.info({ signal }, 'stopping: answers and jobs in hand are finished first');
  await botbase.stop();
  log.info('stopped');
  return 0;
}

async function migrate(): Promise<number> {
  const config = parseConfig(process.env);
  const log = createLogger(config.logLevel);
  const database = await openDatabase(config, log, createMetrics());
  await database.close();
  log.info('the database is up to date');
  return 0;
}

async function embeddings(act: 'status' | 'confirm'): Promise<number> {
  process.stdout.write(await runEmbeddingsCommand(parseConfig(process.env), act));
  return 0;
}

async function administer(args: string[]): Promise<number> {
  const options = parseAdminOptions(args);
  process.stdout.write(await runAdminCommand(parseConfig(process.env), options));
  return 0;
}

async function evaluate(args: string[]): Promise<number> {
  const options = parseEvalOptions(args);
  const { text, isUnder } = await runEvalCommand(await loadSecrets(parseConfig(process.env)), options);
  process.stdout.write(text);
  return isUnder ? EXIT_FAULT : 0;
}

async function verifyAudit(): Promise<number> {
  const { text, isSound } = await runAuditCommand(parseConfig(process.env));
  process.stdout.write(text);
  return isSound ? 0 : EXIT_FAULT;
}

async function verifyUsage(): Promise<number> {
  const { text, isSound } = await runUsageCommand(parseConfig(process.env));
  process.stdout.write(text);
  return isSound ? 0 : EXIT_FAULT;
}

/** Whatever stops the start is one line per fault, and exit status 1. */
async function guarded(act: () => Promise<number>): Promise<number> {
  try {
    return await act();
  } catch (error) {
    process.stderr.write(`${startFaults(error).join('\n')}\n`);
    return EXIT_FAULT;
  }
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
}
