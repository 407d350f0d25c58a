import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeTelemetryServer, startFakeTelemetryServer } from './fakes/fake-telemetry-server.js';
import { spawnBotbase } from './start-botbase.js';
import { copyTemplate } from './test-database.js';

const PATIENT_MS = 120_000;
const TELEMETRY_PACKAGES = [
  '@opentelemetry/sdk-trace-node',
  '@opentelemetry/exporter-trace-otlp-http',
  '@sentry/core',
];

let directory: string;
let server: FakeTelemetryServer;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'botbase-telemetry-'));
  server = await startFakeTelemetryServer();
});
afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true, maxRetries: 20, retryDelay: 100 });
});

/** Starts Botbase, asks it once, stops it, and tells which of the packages it loaded. */
async function loadedPackages(settings: Record<string, string>): Promise<string[]> {
  const dataDir = join(directory, 'data');
  await copyTemplate(dataDir);
  const modulesFile = join(directory, 'modules');
  const preload = new URL('fixtures/list-modules.mjs', import.meta.url);
  const botbase = spawnBotbase({
    DATA_DIR: dataDir,
    MODULES_FILE: modulesFile,
    NODE_OPTIONS: `--import=${preload.href}`,
    ...settings,
  });
  try {
    await fetch(`${await botbase.url}/openapi.json`);
    botbase.kill('SIGTERM');
    expect(await botbase.ended).toEqual({ exitCode: 0, signal: null });
  } finally {
    botbase.kill('SIGKILL');
    await botbase.ended;
  }
  const modules = await readFile(modulesFile, 'utf8');
  // The list is one of all modules: what is always loaded is there.
  expect(modules).toContain('/node_modules/@opentelemetry/api/');
  return TELEMETRY_PACKAGES.filter((name) => modules.includes(`/node_modules/${name}/`));
}

describe('a process', () => {
  it('loads no SDK and sends nothing while none is configured', { timeout: PATIENT_MS }, async () => {
    expect(await loadedPackages({})).toEqual([]);
    expect(server.posts).toEqual([]);
  });

  it(
    'loads them where they are, and sends its last spans when it stops',
    { timeout: PATIENT_MS },
    async () => {
      const settings = {
        OTEL_EXPORTER_OTLP_ENDPOINT: server.origin,
        SENTRY_DSN: `${server.origin.replace('://', '://key@')}/1`,
      };
      expect(await loadedPackages(settings)).toEqual(TELEMETRY_PACKAGES);
      expect(server.posts.map(({ path }) => path)).toEqual(['/v1/traces']);
      expect(server.posts[0]?.body).toContain('GET /openapi.json');
    },
  );
});
