/**
 * Writes what follows from the code: ENV_CONFIG.md, .env.example, docs/permissions.md and server/openapi.json. With
 * `--check` it writes nothing and fails where a file has drifted. No database is needed.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createServer } from '#app/create-server.js';
import { MEMBER_ROLES, PERMISSIONS, type Permission, roleMay } from '#features/projects/permissions.js';
import { parseConfig } from '#platform/config/config.js';
import { variables } from '#platform/config/variables.js';
import type { Context } from '#platform/context.js';
import { createLogger } from '#platform/logger.js';
import { createMetrics } from '#platform/metrics.js';
import { createMemoryRateLimiter } from '#providers/rate-limiter/memory-rate-limiter.js';

const ROOT = new URL('../../', import.meta.url);

const files = {
  'ENV_CONFIG.md': environmentTable(),
  '.env.example': environmentExample(),
  'docs/permissions.md': permissionTable(),
  'server/openapi.json': await openApiDocument(),
};

const drifted: string[] = [];
for (const [name, content] of Object.entries(files)) {
  const path = fileURLToPath(new URL(name, ROOT));
  const present = await readFile(path, 'utf8').catch(() => '');
  if (present === content) continue;
  drifted.push(name);
  if (!process.argv.includes('--check')) await writeFile(path, content);
}
if (process.argv.includes('--check') && drifted.length > 0) {
  console.error(`${drifted.join(', ')}: not what the code says. Run \`npm run generate\`.`);
  process.exit(1);
}

function environmentTable(): string {
  const rows = Object.entries(variables).map(
    ([name, { fallback, description }]) => `| \`${name}\` | ${description} | ${fallback} |`,
  );
  return [
    '# Configuration',
    '',
    'Botbase reads environment variables and nothing else. Every one has a default that works on one machine.',
    'A malformed value stops the start: one line per fault, exit status 1. An empty value counts as unset.',
    '',
    'This page is made from `server/src/platform/config/variables.ts`.',
    '',
    '| Variable | Meaning | Default |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function environmentExample(): string {
  const lines = Object.entries(variables).flatMap(([name, { fallback, description }]) => [
    `# ${description.replaceAll('`', '')}`,
    `# Default: ${fallback.replaceAll('`', '')}`,
    `#${name}=`,
    '',
  ]);
  return [
    '# Copy to .env and load it as your shell or container does. Every line is optional.',
    '',
    ...lines,
  ].join('\n');
}

function permissionTable(): string {
  const rows = Object.entries(PERMISSIONS).map(([permission, { allows }]) => {
    const marks = MEMBER_ROLES.map((role) => (roleMay(role, permission as Permission) ? 'yes' : '–'));
    return `| \`${permission}\` | ${marks.join(' | ')} | ${allows} |`;
  });
  return [
    '# Permissions',
    '',
    'What the members of a project may do, by their role. A role that is too low is answered with 403; to everybody who',
    'is no member the project does not exist (404).',
    '',
    `| Permission | ${MEMBER_ROLES.join(' | ')} | Members who have it may |`,
    `| --- | ${MEMBER_ROLES.map(() => '---').join(' | ')} | --- |`,
    ...rows,
    '',
    'A project has one member who pays for it, `ownerId`: at first the one who made it. It has the role `owner`, keeps it,',
    'and can neither leave nor be removed, so a project never lacks an owner. `POST …/transfer` makes another member the',
    'one who pays. Deleting the account of the one who pays deletes its projects; of any other account only its',
    'memberships go.',
    '',
    'This page is made from `server/src/features/projects/permissions.ts`.',
    '',
  ].join('\n');
}

/** The routes only close over the context: nothing but these members is touched while they are declared. */
async function openApiDocument(): Promise<string> {
  const config = parseConfig({});
  const limiter = createMemoryRateLimiter();
  const ctx = { config, log: createLogger('error'), metrics: createMetrics(), limiter } as unknown as Context;
  const server = await createServer(ctx);
  await server.ready();
  return `${JSON.stringify(server.swagger(), null, 2)}\n`;
}
