// Builds the server where there is no build of the present sources, then runs it in this process.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const server = new URL('../server/', import.meta.url);
const main = new URL('dist/main.js', server);
const stamp = new URL('dist/.tsbuildinfo', server);

if (!existsSync(new URL('../node_modules/typescript', import.meta.url)) && !existsSync(stamp)) {
  console.error('The dependencies are not installed. Run `npm ci` first.');
  process.exit(1);
}

if (!existsSync(stamp) || newestChange(fileURLToPath(new URL('src/', server))) > statSync(stamp).mtimeMs) {
  console.error('Building…');
  const { status } = spawnSync('npm', ['run', 'build', '--silent'], {
    cwd: new URL('..', import.meta.url),
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}

await import(main.href);

function newestChange(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((newest, entry) => Math.max(newest, statSync(`${entry.parentPath}/${entry.name}`).mtimeMs), 0);
}
