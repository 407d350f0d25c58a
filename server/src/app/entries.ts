import { existsSync } from 'node:fs';

/** A script that runs in a process of its own, and Node's arguments for it. */
export interface ProcessEntry {
  entry: URL;
  execArgv: string[];
}

/** Run from source (development and tests) the children need the loader and the condition that this process has. */
const SOURCE_ARGUMENTS = ['--import', 'tsx', '--conditions=botbase-source'];

/** @param path of the script relative to `src`, without its extension */
export function processEntry(path: string): ProcessEntry {
  const source = new URL(`../${path}.ts`, import.meta.url);
  if (existsSync(source)) return { entry: source, execArgv: SOURCE_ARGUMENTS };
  return { entry: new URL(`../${path}.js`, import.meta.url), execArgv: [] };
}
