import { ConfigError } from '#platform/config/config.js';

const MAX_CAUSES = 5;

const MENDS: Record<string, string> = {
  EADDRINUSE:
    'PORT: the port is taken. Stop what listens there, or set PORT to another one (0 takes a free one).',
  EADDRNOTAVAIL:
    'HOST: this machine does not have that address. Set HOST to one of its own, such as 127.0.0.1.',
  EACCES:
    'PORT or DATA_DIR: permission denied. Choose a port from 1024 on, and a folder that you may write to.',
  ECONNREFUSED:
    'DATABASE_URL: nothing answers there. Start the PostgreSQL server, or mend the host and the port.',
  ENOTFOUND: 'DATABASE_URL: there is no host of that name.',
  '28P01': 'DATABASE_URL: the user name or the password is wrong.',
  '3D000': 'DATABASE_URL: there is no database of that name. Make it with `createdb`.',
  '42501':
    'DATABASE_URL: the role may not do this. Let an administrator run `create extension vector` and grant it the schema.',
  '0A000': 'DATABASE_URL: the server has no pgvector. Install pgvector 0.8 or newer there.',
  '58P01': 'DATABASE_URL: the server has no pgvector. Install pgvector 0.8 or newer there.',
};

/** Why the start failed, a line each: what is wrong and what to do. */
export function startFaults(error: unknown): string[] {
  if (error instanceof ConfigError) return error.faults;
  const causes: Error[] = [];
  for (let cause = error; cause instanceof Error && causes.length < MAX_CAUSES; cause = cause.cause)
    causes.push(cause);
  const isSilent = causes.some(({ message }) => message === 'timeout expired');
  if (isSilent)
    return ['DATABASE_URL: something listens there and does not answer. Look at the server and the network.'];
  for (const cause of causes) {
    const mend = 'code' in cause ? MENDS[String(cause.code)] : undefined;
    if (mend !== undefined) return [`${mend} (${cause.message})`];
  }
  return [causes.at(-1)?.message ?? 'The start failed for an unknown reason.'];
}
