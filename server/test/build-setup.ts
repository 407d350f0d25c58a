import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The sources as JavaScript, for the processes that tests start: see `built-entry.ts`. */
    buildDir: string;
  }
}

const SERVER = fileURLToPath(new URL('..', import.meta.url));
const NODE_MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

/**
 * Translates the sources once: a process that loads them module by module with a translator of its own takes seconds
 * of a processor to start, and tests start hundreds. It lies as `npm run build` would lay it, outside of the checkout,
 * where several runs at once do not meet.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const buildDir = await mkdtemp(join(tmpdir(), 'botbase-build-'));
  await translateAll(join(SERVER, 'src'), join(buildDir, 'dist'));
  await writeFile(join(buildDir, 'package.json'), await readFile(join(SERVER, 'package.json')));
  await symlink(NODE_MODULES, join(buildDir, 'node_modules'));
  await symlink(join(SERVER, 'migrations'), join(buildDir, 'migrations'));
  project.provide('buildDir', buildDir);
  return () => rm(buildDir, { recursive: true, force: true });
}

async function translateAll(from: string, to: string): Promise<void> {
  const names = await readdir(from, { recursive: true });
  const sources = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  await Promise.all(
    sources.map(async (name) => {
      const { code } = await transform(await readFile(join(from, name), 'utf8'), {
        filename: name,
        configFile: false,
        swcrc: false,
        module: { type: 'es6' },
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript' },
          transform: { verbatimModuleSyntax: true },
        },
      });
      const target = join(to, name.replace(/\.ts$/, '.js'));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, code);
    }),
  );
}
