import { startFaults } from '#app/start-faults.js';
import { parseConfig } from '#platform/config/config.js';
import { createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import { loadSecrets } from '#app/load-secrets.js';
import { openDatabase } from '#app/open-database.js';
import { runAll } from '#app/run-all.js';

const HELP = `Botbase: sources in, streamed answers with citations that hold out.

Usage: node server/dist/main.js [command]

  all       API and workers in one process (the default)
  migrate   brings the database up to date and ends
  --help    this text

Settings come from environment variables: see ENV_CONFIG.md.
`;

const EXIT_FAULT = 1;

process.exit(await run(process.argv[2] ?? 'all'));

async function run(command: string): Promise<number> {
  switch (command) {
    case '--help':
    case '-h':
    case 'help':
      process.stdout.write(HELP);
      return 0;
    case 'all':
      return guarded(serve);
    case 'migrate':
      return guarded(migrate);
    default:
      process.stderr.write(`Unknown command: ${command}\n\n${HELP}`);
      return EXIT_FAULT;
  }
}

async function serve(): Promise<number> {
  const config = await loadSecrets(parseConfig(process.env));
  const log = createLogger(config.logLevel);
  const botbase = await runAll(config);
  log.info({ url: botbase.url }, `Botbase is ready at ${botbase.url} (API reference: ${botbase.url}/docs)`);
  const signal = await stopSignal();
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
