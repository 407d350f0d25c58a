import { pathToFileURL } from 'node:url';
import { inject } from 'vitest';
import type { ProcessEntry } from '#app/entries.js';

/**
 * A script of the sources as the test run has built them, to be run in a process of its own.
 * @param path relative to `src`, without its extension
 */
export function builtEntry(path: string): ProcessEntry {
  return { entry: pathToFileURL(`${inject('buildDir')}/dist/${path}.js`), execArgv: [] };
}
