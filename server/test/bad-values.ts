import type { FieldPath, JsonSchema } from './api-routes.js';

const DEPTH = 100_000;
const TEN_MEGABYTES = 10 * 1024 * 1024;
const LONGEST_TRIED = 30_000;

const deepArray = '['.repeat(DEPTH) + ']'.repeat(DEPTH);
const deepObject = `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`;

/** JSON text that stands for itself, where no value of JavaScript does. */
class RawJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Bodies that no route with a body takes. */
export const badBodies: [string, string | Buffer][] = [
  ['an empty body', ''],
  ['[]', '[]'],
  ['[[]]', '[[]]'],
  ['"x"', '"x"'],
  ['1', '1'],
  ['true', 'true'],
  ['cut JSON', '{"a":'],
  ['JSON with a comment', '{/**/}'],
  ['two JSON values', '{}{}'],
  ['NaN', 'NaN'],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
  ['UTF-16', Buffer.from('\ufeff{"a":1}', 'utf16le')],
  ['100,000 arrays', deepArray],
  ['100,000 objects', deepObject],
  ['__proto__', '{"__proto__":{"isAdmin":true}}'],
  ['constructor.prototype', '{"constructor":{"prototype":{"isAdmin":true}}}'],
  ['an unknown field', '{"isAdmin":true}'],
  ['a name twice', '{"name":"a","name":"b"}'],
  ['65 levels', '['.repeat(65) + ']'.repeat(65)],
  ['an empty name', '{"":1}'],
  ['10 MB of JSON', `{"a":"${'x'.repeat(TEN_MEGABYTES)}"}`],
  ['10 MB of white space', `${' '.repeat(TEN_MEGABYTES)}{}`],
  ['100,000 fields', `{${Array.from({ length: 50_000 }, (_, index) => `"f${index}":1`).join(',')}}`],
];

export const badContentTypes: Record<string, string>[] = [
  { 'content-type': 'text/plain' },
  { 'content-type': '' },
  { 'content-type': 'application/json\ta' },
  { 'content-type': 'application/jsonx' },
  { 'content-type': 'application/x-www-form-urlencoded' },
  { 'content-type': 'application/xml' },
  { 'content-type': 'application/json garbage' },
  { 'content-type': 'application/json, text/plain' },
  { 'content-type': 'application/json/x' },
  { 'content-type': 'multipart/form-data; boundary=b' },
  { 'content-type': 'x' },
];

/** What a lenient reader may take for JSON: then it has to be checked like JSON. */
export const oddContentTypes = [
  ' application/json',
  '\tapplication/json',
  'APPLICATION/JSON;x',
  'application/json;',
  'application/json ;charset=utf-8',
  'application/json; charset=utf-16',
  'application/json; boundary=b; charset="',
  'application/json; a="multipart/form-data"',
  'application/json;multipart/form-data',
  'application/json\ta',
  'application/json a',
  'application/json\u00a0',
];

const WRONG_TYPES: unknown[] = [
  null,
  true,
  1,
  1.5,
  '\u2603 none of them',
  [],
  {},
  [[]],
  { a: 1 },
  [null],
  ['\u0000'],
  { $ne: null },
];

/** Values that a field must not take. */
export function badValuesOf(schema: JsonSchema, isRequired: boolean): unknown[] {
  const types = typesOf(schema);
  const bad = WRONG_TYPES.filter((value) => !types.has(typeOf(value)));
  const texts = [schema, ...(schema.anyOf ?? [])].filter(({ type }) => type === 'string');
  for (const text of texts) {
    if (text.const === undefined && text.enum === undefined) bad.push('a\u0000b', '\ud800', 'a\udc00b');
    else bad.push('none of them', '', 'constructor', '__proto__');
    if (isRequired || (text.minLength ?? 0) > 0) bad.push('');
    const { maxLength = Infinity } = text;
    if (maxLength < LONGEST_TRIED) bad.push('x'.repeat(maxLength + 1));
  }
  for (const { minimum, maximum } of [schema, ...(schema.anyOf ?? [])]) {
    if (minimum !== undefined) bad.push(minimum - 1, -1e308, new RawJson('-1e400'));
    if (maximum !== undefined)
      bad.push(maximum + 1, 1e308, new RawJson('1e400'), new RawJson('9'.repeat(400)));
  }
  if (types.has('integer') && !types.has('number')) bad.push(1.5);
  if (schema.properties !== undefined) bad.push({ unknown: 1 });
  if (types.has('record')) {
    bad.push({ a: '\u0000' }, { '\u0000': 1 }, { a: ['\ud800'] }, { a: 'x'.repeat(20_000) });
    bad.push(
      new RawJson(deepObject),
      new RawJson('{"__proto__":{"a":1}}'),
      new RawJson(`{"a":${deepArray}}`),
    );
  }
  return bad;
}

/** The JSON types that a schema takes; `record` is an object with any fields. */
function typesOf(schema: JsonSchema): Set<string> {
  const parts = schema.anyOf ?? schema.oneOf;
  if (parts !== undefined) return new Set(parts.flatMap((part) => [...typesOf(part)]));
  if (schema.enum !== undefined || schema.const !== undefined) return new Set(['literal']);
  const types = new Set([schema.type ?? []].flat());
  if (types.has('number')) types.add('integer');
  if (types.has('object') && schema.properties === undefined) types.add('record');
  return types;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

/** JSON of `body` with the field at `path` replaced. */
export function withField(body: unknown, path: FieldPath, value: unknown): string {
  const changed = structuredClone(body) as Record<string | number, unknown>;
  let place = changed;
  for (const name of path.slice(0, -1)) {
    place[name] ??= {};
    place = place[name] as Record<string | number, unknown>;
  }
  place[path.at(-1) ?? ''] = value instanceof RawJson ? '@raw@' : value;
  const json = JSON.stringify(changed);
  return value instanceof RawJson ? json.replace('"@raw@"', () => value.text) : json;
}

export const NOBODYS_ID = '01900000-0000-7000-8000-000000000000';

/** What may stand in a path where an id is expected. */
export const badIds = [
  'x',
  '%00',
  '..%2F..',
  '0',
  '-1',
  'null',
  'a'.repeat(300),
  '%20',
  '%27%20or%201=1--',
  '%F0%9F%92%A9',
  `${NOBODYS_ID}%00`,
  `%7B${NOBODYS_ID}%7D`,
  NOBODYS_ID.replaceAll('-', ''),
  NOBODYS_ID,
  '00000000-0000-0000-0000-000000000000',
];

/** What is no path at all: refused, with whatever code of the 4xx. */
export const badPathParts = ['', '%zz', '%', '%ff', '%ed%a0%80', '../..', 'a/../b', '%2e%2e'];

/** Per query parameter; parameters that are not named take what comes. */
export const badQueryValues: Record<string, string[]> = {
  limit: [
    '0',
    '-1',
    '1e9',
    'abc',
    '',
    '1.5',
    '101',
    'NaN',
    'Infinity',
    '%00',
    '1&limit=2',
    '99999999999999999999',
  ],
  cursor: ['x', '', 'a'.repeat(500), '%00', '%ff', 'MDE5', 'x&cursor=y', 'bm90LWFuLWlk'],
  status: ['x', '', '%00', 'READY', '__proto__', 'ready&status=failed'],
  sourceId: ['x', '', '%00', '1', 'a'.repeat(300), `${NOBODYS_ID}&sourceId=x`],
  projectId: ['x', '', '%00', '1', 'a'.repeat(300), `${NOBODYS_ID}&projectId=x`],
  actorId: ['%00', 'a'.repeat(300), `${NOBODYS_ID}&actorId=x`],
  action: ['%00', 'a'.repeat(300), 'a&action=b'],
  outcome: ['x', '', '%00', 'DONE', 'done&outcome=refused'],
  from: ['x', '', '%00', '0', '2026-13-01T00:00:00Z', '2026-01-01', '2026-01-01T00:00:00Z&from=x'],
  to: ['x', '', '%00', '-1', '2026-02-30T00:00:00Z', 'now()', '2026-01-01T00:00:00Z&to=x'],
  role: ['x', '', '%00', 'ADMIN', '__proto__', 'admin&role=user'],
  suspended: ['x', '', '%00', '1', 'TRUE', 'true&suspended=false'],
  type: ['', '%00', 'a'.repeat(300), 'a&type=b'],
  month: ['x', '', '%00', '2026-13', '2026-00', '2026-1', '0000-01', '2026-01-01', '2026-01&month=2026-02'],
  different: ['x', '', '%00', '1', 'TRUE', 'true&different=true'],
  q: ['', '%00', 'a'.repeat(5_000), 'a&q=b'],
};
