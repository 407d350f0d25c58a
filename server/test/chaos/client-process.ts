import { readFile, readdir, readlink } from 'node:fs/promises';

/** Columns of /proc/net/tcp: the local address, and the inode of the socket. */
const LOCAL_ADDRESS = 1;
const INODE = 9;

/**
 * Which of these processes holds the client's end of a connection from this port of the machine; Linux only.
 * @throws Error where none does
 */
export async function findClientProcess(port: number, processIds: readonly number[]): Promise<number> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
  const sockets = new Set(
    lines
      .filter((columns) => columns[LOCAL_ADDRESS]?.endsWith(suffix) === true)
      .map((columns) => `socket:[${columns[INODE]}]`),
  );
  for (const processId of processIds) {
    const folder = `/proc/${processId}/fd`;
    const descriptors = await readdir(folder).catch(() => []);
    const targets = await Promise.all(
      descriptors.map((name) => readlink(`${folder}/${name}`).catch(() => '')),
    );
    if (targets.some((target) => sockets.has(target))) return processId;
  }
  throw new Error(`none of the processes ${processIds.join(', ')} has a connection from port ${port}`);
}
