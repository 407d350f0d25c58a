import { describe, expect, it } from 'vitest';
import { corpusOrNull, readTarball } from '#test/read-corpus.js';
import { parseJson } from './json-body.js';

const read = (text: string) => parseJson(Buffer.from(text));
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

describe('parseJson', () => {
  it.each([
    '{"a":{"b":[1,2.5,-3e2,true,false,null]},"c":"d"}',
    '[{"a":1},{"a":2},[{"a":3}]]',
    '{"a":":","b":"{\\"a\\":1}","c":"\\\\","d\\"":":\\\\\\":"}',
    '{"a:b":1,"a":{"a":{"a":1}},"A":2,"":3}',
    '{"constructor":1,"prototype":{},"toString":2,"hasOwnProperty":3}',
    '{"constructor":{"name":"Bob"},"x":"__proto__"}',
    '{"2":1,"1":2,"0":3}',
    ' \n\t"Straße 日本 🙂"\r\n',
    nested(64),
  ])('reads %j as JSON.parse does', (text) => {
    expect(read(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ['{"a":1,"a":2}', 'a name twice'],
    ['[{"x":{"a":1,"b":2,"a":1}}]', 'a name twice'],
    ['{"a":1,"\\u0061":2}', 'a name twice'],
    ['{"a":{"b":1},"a":{"b":1,"c":2,"d":3}}', 'a name twice'],
    ['{"":1,"":1}', 'a name twice'],
    ['{"__proto__":{"isAdmin":true}}', 'reserved'],
    ['{"a":[{"\\u005f_proto__":1}]}', 'reserved'],
    ['{"__proto__":1,"__proto__":2}', 'reserved'],
    ['{"constructor":{"prototype":{"isAdmin":true}}}', 'reserved'],
    [nested(65), 'deeper than 64'],
    [nested(500_000), 'deeper than 64'],
    ['{"a":'.repeat(65), 'deeper than 64'],
    ['', 'empty'],
    ['{"a":1', 'not valid JSON'],
    ['{"a"', 'not valid JSON'],
    ['"a', 'not valid JSON'],
    ['"a\\', 'not valid JSON'],
    [']]]]', 'not valid JSON'],
    ['{"a"::1}', 'not valid JSON'],
    ['NaN', 'not valid JSON'],
  ])('refuses %j', (text, reason) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'malformed' }));
    expect(() => read(text)).toThrow(reason);
  });

  it('refuses bytes that are not UTF-8, and leaves out a byte order mark', () => {
    expect(() => parseJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow('not valid JSON');
    expect(() => parseJson(Buffer.from('{}', 'utf16le'))).toThrow('not valid JSON');
    expect(read('\ufeff{"a":1}')).toEqual({ a: 1 });
  });

  it.runIf(corpusOrNull('json/json.tar.gz'))('tells valid JSON of a test suite from other', () => {
    const files = readTarball(corpusOrNull('json/json.tar.gz') ?? '');
    expect(files.size).toBeGreaterThan(300);
    /** Valid by the grammar, and refused on purpose. */
    const twice = new Set(['y_object_duplicated_key.json', 'y_object_duplicated_key_and_value.json']);
    const wrong = [...files]
      .filter(([name]) => !name.startsWith('i_'))
      .filter(([name, bytes]) => isRead(bytes) !== (name.startsWith('y_') && !twice.has(name)))
      .map(([name]) => name);
    expect(wrong).toEqual([]);
  });
});

function isRead(bytes: Buffer): boolean {
  try {
    parseJson(bytes);
    return true;
  } catch {
    return false;
  }
}
