import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import type { TestApp } from './create-test-app.js';

/** The codes of the contract, with their status. */
const STATUS_OF_CODE: Record<string, number> = {
  malformed: 400,
  validation_failed: 400,
  unauthenticated: 401,
  invalid_credentials: 401,
  token_expired: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  unusable_content: 422,
  idempotency_key_reused: 422,
};

/** What shows the inside: stacks, files, SQL, the libraries by name. */
const INSIDE =
  /\n\s+at |node_modules|node:internal|\/(tmp|home|root|usr|work)\/|\.[jt]s:\d|drizzle|postgres|fastify|FST_|zod|\b(select|insert into|update|delete from) +[a-z"(*]+.*(from|where|values|set)\b|\bSQLSTATE|ECONN|ENOENT|TypeError|RangeError|SyntaxError/i;

/** What `GET /health` writes. */
const HEALTH_PROBE = 'probe';

export interface Sent {
  method: string;
  url: string;
  headers?: Record<string, string>;
  payload?: string | Buffer;
}

export interface RawReply {
  status: number;
  headers: Record<string, string | string[] | number | undefined>;
  text: string;
}

export async function send(app: TestApp, request: Sent): Promise<RawReply> {
  const { method, url, headers = {}, payload } = request;
  const reply = await app.server.inject({
    method: method as 'GET',
    url,
    headers,
    ...(payload === undefined ? {} : { payload }),
  });
  return { status: reply.statusCode, headers: reply.headers, text: reply.body };
}

/** What is wrong with a reply that must be a refusal, or null. */
export function faultOf(reply: RawReply): string | null {
  if (reply.status < 400 || reply.status > 499) return `answered ${reply.status} ${reply.text.slice(0, 200)}`;
  const type = String(reply.headers['content-type']);
  if (!type.startsWith('application/problem+json')) return `${reply.status} came as ${type}`;
  const problem = JSON.parse(reply.text) as Record<string, unknown>;
  if (problem['status'] !== reply.status) return `says ${String(problem['status'])} in a ${reply.status}`;
  if (STATUS_OF_CODE[String(problem['code'])] !== reply.status)
    return `${reply.status} has code ${String(problem['code'])}`;
  const requestId = reply.headers['x-request-id'];
  if (requestId === undefined || requestId !== problem['requestId'])
    return `${reply.status} has no X-Request-Id`;
  for (const name of ['type', 'title', 'detail']) {
    if (typeof problem[name] !== 'string' || problem[name] === '') return `${reply.status} has no ${name}`;
  }
  const allow = reply.headers['allow'];
  if (reply.status === 405 && allow === undefined) return 'a 405 without Allow';
  const inside = INSIDE.exec(reply.text);
  return inside === null ? null : `${reply.status} shows its inside: ${inside[0]}`;
}

/** For requests that may be fine: anything but a failure of the server, and problems in their form. */
export function faultUnlessFine(reply: RawReply): string | null {
  return reply.status >= 200 && reply.status < 300 ? null : faultOf(reply);
}

/** A value as the name of a test case. */
export function label(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 60) ?? '';
}

/** That something was refused may be noted. */
const NOT_REFUSED = ` where outcome <> 'refused'`;

/** What is stored: rows of every table, and files. Refused requests leave it as it was. */
export async function countStored(app: TestApp): Promise<Record<string, number>> {
  const { rows: tables } = await app.ctx.db.execute(sql`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' order by table_name`);
  const counts = tables.map(
    ({ name }) =>
      `select '${String(name)}' as name, count(*)::int as rows from "${String(name)}"${name === 'audit_logs' ? NOT_REFUSED : ''}`,
  );
  const { rows } = await app.ctx.db.execute(sql.raw(counts.join(' union all ')));
  const entries = await readdir(join(app.dataDir, 'files'), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  const files = entries.filter((entry) => entry.isFile() && entry.name !== HEALTH_PROBE).length;
  return { ...Object.fromEntries(rows.map(({ name, rows: count }) => [name, count])), files } as Record<
    string,
    number
  >;
}
