import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseConfig } from '#platform/config/config.js';
import { variables } from '#platform/config/variables.js';

const repository = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, repository), 'utf8');
const isThere = (path: string) => existsSync(fileURLToPath(new URL(path, repository)));

const serviceSchema = z.looseObject({
  image: z.string(),
  command: z.union([z.string(), z.array(z.string())]).optional(),
  environment: z.record(z.string(), z.string().nullable()).optional(),
  volumes: z.array(z.string()).optional(),
  networks: z.array(z.string()),
});
const composeText = read('compose.yaml');
const compose = z
  .object({
    services: z.record(z.string(), serviceSchema),
    networks: z.record(z.string(), z.unknown()),
    volumes: z.record(z.string(), z.unknown()),
  })
  .parse(parse(composeText, { merge: true }));

const ROLES = ['migrate', 'api', 'worker'];
/** What the image or the command says. */
const FIXED = new Set(['DATA_DIR', 'HOST', 'NODE_ENV', 'PORT', 'ROLE']);
/** Botbase does not read them: the SDK of OpenTelemetry does, by itself, where an endpoint is set. */
const SDK_VARIABLES = ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_TRACES_SAMPLER', 'OTEL_TRACES_SAMPLER_ARG'];
/** Of compose.yaml alone. */
const COMPOSE_VARIABLES = ['API_PORTS', 'BACKUP_DIR', 'POSTGRES_PASSWORD', 'REDIS_PASSWORD', 'SITE_ADDRESS'];

function service(name: string): z.infer<typeof serviceSchema> {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`compose.yaml has no service ${name}`);
  return found;
}

/** The instructions of the Dockerfile, continued lines joined. */
const instructions = read('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\s*\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => ({ name: line.split(' ')[0] ?? '', rest: line.slice(line.indexOf(' ') + 1) }));

describe('compose.yaml', () => {
  it.each(ROLES)('gives every setting to %s, and none that does not exist', (role) => {
    const given = Object.keys(service(role).environment ?? {});
    const settings = Object.keys(variables).filter((name) => !FIXED.has(name));
    expect(given.toSorted()).toEqual([...settings, ...SDK_VARIABLES].toSorted());
  });

  it('gives settings that the program takes, once the secrets are there', () => {
    const secrets: Record<string, string> = {
      JWT_SECRET: 'q0J7zt1sWm4cRx8vKd3gYb6nHf2pLu5a',
      ENCRYPTION_KEY: Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64'),
      POSTGRES_PASSWORD: 'postgres1',
      REDIS_PASSWORD: 'redis1',
    };
    const image = instructions.filter(({ name }) => name === 'ENV').flatMap(({ rest }) => rest.split(' '));
    const environment = Object.entries(service('api').environment ?? {}).flatMap(([name, value]) =>
      value === null
        ? []
        : [[name, value.replace(/\$\{(\w+):\?[^}]*\}/, (_, key: string) => secrets[key] ?? '')]],
    );
    const config = parseConfig({
      ...Object.fromEntries(image.map((pair) => pair.split('=') as [string, string])),
      ...(Object.fromEntries(environment) as Record<string, string>),
    });
    expect(config).toMatchObject({
      environment: 'production',
      dataDir: '/data',
      http: { host: '0.0.0.0', port: 3000 },
      database: { url: 'postgres://botbase:postgres1@postgres:5432/botbase' },
      redisUrl: 'redis://default:redis1@redis:6379',
    });
  });

  it('asks only for variables that are explained', () => {
    const asked = [...composeText.matchAll(/\$\{(\w+)/g)].map(([, name]) => name ?? '');
    const guide = read('DEPLOYMENT.md');
    for (const name of new Set(asked)) {
      if (!(name in variables)) expect(COMPOSE_VARIABLES).toContain(name);
      expect(guide).toMatch(new RegExp(`\`${name}[\`=]`));
    }
  });

  it.each(ROLES)('lets %s write nowhere but to its volume and /tmp, and gain no rights', (role) => {
    expect(service(role)).toMatchObject({
      read_only: true,
      volumes: ['files:/data'],
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      command: [role],
    });
  });

  it('has no secret in a command line, which every user of the machine can read', () => {
    for (const { command, entrypoint, healthcheck } of Object.values(compose.services)) {
      expect(JSON.stringify({ command, entrypoint, healthcheck })).not.toMatch(
        /\$\{?\w*(PASSWORD|SECRET|KEY|TOKEN)/,
      );
    }
  });

  it('names files, networks and volumes that are there', () => {
    for (const { volumes = [], networks } of Object.values(compose.services)) {
      for (const source of volumes
        .filter((volume) => !volume.startsWith('$'))
        .map((volume) => volume.split(':')[0] ?? '')) {
        if (source.startsWith('./')) expect([source, isThere(source)]).toEqual([source, true]);
        else expect(Object.keys(compose.volumes)).toContain(source);
      }
      for (const network of networks) expect(Object.keys(compose.networks)).toContain(network);
    }
  });
});

describe('the Dockerfile', () => {
  it('copies from the repository what is there and what .dockerignore lets in', () => {
    const included = new Set([...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, path]) => path));
    const sources = instructions
      .filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from'))
      .flatMap(({ rest }) => rest.split(' ').slice(0, -1));
    expect(sources.length).toBeGreaterThan(5);
    for (const source of sources)
      expect([source, isThere(source), included.has(source)]).toEqual([source, true, true]);
  });

  it('sets settings that exist', () => {
    const names = instructions
      .filter(({ name }) => name === 'ENV')
      .flatMap(({ rest }) => rest.split(' ').map((pair) => pair.split('=')[0] ?? ''));
    expect(Object.keys(variables)).toEqual(expect.arrayContaining(names));
  });
});
