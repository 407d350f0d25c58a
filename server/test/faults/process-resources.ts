import { readFile, readdir } from 'node:fs/promises';

export interface ProcessResources {
  processId: number;
  residentBytes: number;
  openFiles: number;
}

const MAX_GROWTH = 0.1;

/** What a process holds by now; Linux only. */
export async function readProcessResources(processId: number): Promise<ProcessResources> {
  const status = await readFile(`/proc/${processId}/status`, 'utf8');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`process ${processId} holds no memory: it has ended`);
  const openFiles = (await readdir(`/proc/${processId}/fd`)).length;
  return { processId, residentBytes: Number(kilobytes) * 1024, openFiles };
}

/** What has grown by more than a tenth, a line for each. */
export function findGrowth(before: ProcessResources, after: ProcessResources): string[] {
  return (['residentBytes', 'openFiles'] as const)
    .filter((name) => after[name] > before[name] * (1 + MAX_GROWTH))
    .map((name) => `${name} of process ${after.processId} went from ${before[name]} to ${after[name]}`);
}
