import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';

/** The id of the child of a process that runs `script`, as its command line names it; null where there is none. */
export async function findChildProcess(parentId: number, script: string): Promise<number | null> {
  const children =
    process.platform === 'linux' ? await listChildren(parentId) : await askForChildren(parentId);
  return children.find(({ commandLine }) => commandLine.includes(script))?.processId ?? null;
}

interface Child {
  processId: number;
  commandLine: string;
}

/** From `/proc`: small Debian images have no `ps`. */
async function listChildren(parentId: number): Promise<Child[]> {
  const entries = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const children = await Promise.all(
    entries.map(async (id) => {
      try {
        const status = await readFile(`/proc/${id}/status`, 'utf8');
        if (/^PPid:\s*(\d+)$/m.exec(status)?.[1] !== String(parentId)) return [];
        return [{ processId: Number(id), commandLine: await readFile(`/proc/${id}/cmdline`, 'utf8') }];
      } catch {
        // It ended while it was looked at.
        return [];
      }
    }),
  );
  return children.flat();
}

async function askForChildren(parentId: number): Promise<Child[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,command=']);
  return stdout.split('\n').flatMap((line) => {
    const [, processId, itsParentId, commandLine = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return itsParentId === String(parentId) ? [{ processId: Number(processId), commandLine }] : [];
  });
}
