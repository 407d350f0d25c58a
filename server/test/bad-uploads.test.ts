import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, createTestApp } from './create-test-app.js';
import { corpusOrNull, readTarball } from './read-corpus.js';
import { type RawReply, countStored, faultOf, send } from './refusals.js';

const MAX_UPLOAD_BYTES = 100_000;
const BOUNDARY = 'test-boundary';

let app: TestApp;
let token: string;
let sources: string;

beforeAll(async () => {
  app = await createTestApp({ environment: { MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES) } });
  token = (await app.register()).token;
  sources = `/v1/projects/${await app.createProject(token)}/sources`;
});
afterAll(() => app.close());

function post(
  payload: string | Buffer,
  contentType = `multipart/form-data; boundary=${BOUNDARY}`,
): Promise<RawReply> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': contentType };
  return send(app, { method: 'POST', url: sources, headers, payload });
}

const END = `--${BOUNDARY}--\r\n`;

function field(name: string, value: string): string {
  return `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
}

function file(content: string, fileName = 'a.txt', name = 'file'): string {
  const disposition = `content-disposition: form-data; name="${name}"; filename="${fileName}"`;
  return `--${BOUNDARY}\r\n${disposition}\r\ncontent-type: text/plain\r\n\r\n${content}\r\n`;
}

const GOOD = file('The office opens at nine.');

describe('uploads', () => {
  it.each([
    ['no part at all', END],
    ['no body', ''],
    ['no file', field('name', 'x') + END],
    ['a field in the place of the file', field('file', 'text') + END],
    ['two files', GOOD + GOOD + END],
    ['a file under another name', file('text', 'a.txt', 'document') + END],
    ['a file under another name after the good one', GOOD + file('text', 'a.txt', 'document') + END],
    ['a file under the name of a field', file('text', 'a.txt', 'name') + END],
    ['an unknown field', field('isAdmin', 'true') + GOOD + END],
    ['an unknown field after the file', GOOD + field('isAdmin', 'true') + END],
    ['__proto__', field('__proto__', 'x') + GOOD + END],
    ['a field twice', field('name', 'a') + field('name', 'b') + GOOD + END],
    ['20 fields', Array.from({ length: 20 }, (_, index) => field(`f${index}`, 'x')).join('') + GOOD + END],
    ['20 fields after the file', GOOD + Array.from({ length: 20 }, () => field('name', 'x')).join('') + END],
    ['a field without a name', `--${BOUNDARY}\r\ncontent-disposition: form-data\r\n\r\nx\r\n${GOOD}${END}`],
    ['a part without a header', `--${BOUNDARY}\r\n\r\nx\r\n${END}`],
    ['a field of 10 MB', field('name', 'x'.repeat(10 * 1024 * 1024)) + GOOD + END],
    ['an empty name', field('name', ' ') + GOOD + END],
    ['a name of 301 characters', field('name', 'x'.repeat(301)) + GOOD + END],
    ['a name with a NUL', field('name', 'a\u0000b') + GOOD + END],
    ['metadata that is no JSON', field('metadata', '{') + GOOD + END],
    ['metadata that is no object', field('metadata', '[]') + GOOD + END],
    ['metadata with a NUL', field('metadata', '{"a":"\\u0000"}') + GOOD + END],
    ['metadata with __proto__', field('metadata', '{"__proto__":{"a":"\\u0000"}}') + GOOD + END],
    [
      'metadata 20,000 levels deep',
      field('metadata', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`) + GOOD + END,
    ],
    ['another type', field('type', 'text') + GOOD + END],
    ['a body that ends in the file', GOOD.slice(0, -10)],
    ['a body that ends in a header', GOOD.slice(0, 40)],
    ['a body without its end', GOOD],
    ['another boundary', GOOD.replaceAll(BOUNDARY, 'other') + END.replaceAll(BOUNDARY, 'other')],
    ['no multipart at all', 'just text'],
    ['a file one byte too large', file('x'.repeat(MAX_UPLOAD_BYTES + 1)) + END],
    ['a file far too large', file('x'.repeat(20 * MAX_UPLOAD_BYTES)) + END],
  ])('with %s are refused and leave nothing behind', async (_what, payload) => {
    const before = await countStored(app);
    expect(faultOf(await post(payload))).toBe(null);
    expect(await countStored(app)).toEqual(before);
  });

  it.each([
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary="',
    `multipart/form-data; boundary=${'b'.repeat(300)}`,
    `multipart/mixed; boundary=${BOUNDARY}`,
    'multipart/',
  ])('as %s are refused', async (contentType) => {
    const before = await countStored(app);
    expect(faultOf(await post(GOOD + END, contentType))).toBe(null);
    expect(await countStored(app)).toEqual(before);
  });

  it('that are larger than allowed are payload_too_large, and as large as allowed are not', async () => {
    const tooLarge = await post(file('x'.repeat(MAX_UPLOAD_BYTES + 1)) + END);
    expect(JSON.parse(tooLarge.text)).toMatchObject({ status: 413, code: 'payload_too_large' });
    // The limit that is told is the one that holds.
    expect((JSON.parse(tooLarge.text) as { detail: string }).detail).not.toContain(' 0 ');
    expect((await post(file('x'.repeat(MAX_UPLOAD_BYTES)) + END)).status).toBe(202);
  });

  it.each([
    ['../../etc/passwd', 'passwd'],
    ['..\\..\\windows\\win.ini', 'win.ini'],
    ['/etc/passwd', 'passwd'],
    ['..', null],
    ['\u202etxt.exe', 'txt.exe'],
    ['a\u0000b.txt', null],
    ['x'.repeat(300), 'x'.repeat(300)],
    ['x'.repeat(5_000), null],
    ['', null],
    ['%00', '%00'],
    ['<script>alert(1)</script>.txt', null],
    ['Straße 日本 🙂.txt', 'Straße 日本 🙂.txt'],
  ])('keep no more of the file name %j than people can read', async (fileName, expected) => {
    const reply = await post(file('text', fileName) + END);
    if (reply.status !== 202) {
      expect(faultOf(reply)).toBe(null);
      return;
    }
    const { name } = JSON.parse(reply.text) as { name: string };
    expect(name).not.toMatch(/[/\\\u0000-\u001f\u202e]/);
    expect(name.length).toBeGreaterThan(0);
    expect(name.length).toBeLessThanOrEqual(300);
    if (expected !== null) expect(name).toBe(expected);
  });

  it('that hold nothing or are not what they say end as a failed source with a reason, or are refused', async () => {
    const contents = [
      ['empty.txt', ''],
      ['fake.pdf', '%PDF-1.7\nthis is no PDF at all'],
      ['fake.docx', 'PK\u0003\u0004 this is no archive'],
    ] as const;
    for (const [fileName, content] of contents) {
      const reply = await post(file(content, fileName) + END);
      if (reply.status !== 202) {
        expect({ fileName, fault: faultOf(reply) }).toEqual({ fileName, fault: null });
        continue;
      }
      await app.runJobs();
      const { id } = JSON.parse(reply.text) as { id: string };
      const { body } = await app.request('GET', `${sources}/${id}`, { token });
      expect({ fileName, status: body.status }).toEqual({ fileName, status: 'failed' });
      expect(body.error).toEqual({
        code: expect.stringMatching(/^[a-z_]+$/),
        message: expect.stringMatching(/\w/),
      });
    }
  });

  it.runIf(corpusOrNull('multipart/multipart.tar.gz'))(
    'of a multipart test suite are taken or refused',
    async () => {
      const files = readTarball(corpusOrNull('multipart/multipart.tar.gz') ?? '');
      const faults: string[] = [];
      for (const [name, body] of files) {
        if (!name.endsWith('.http')) continue;
        const about = files.get(name.replace('.http', '.yaml'))?.toString() ?? '';
        const boundary = /^boundary: *['"]?([^'"\n]*)/m.exec(about)?.[1] ?? '';
        const before = await countStored(app);
        const reply = await post(body, `multipart/form-data; boundary=${boundary}`);
        if (reply.status === 202) continue;
        const fault = faultOf(reply);
        if (fault !== null) faults.push(`${name}: ${fault}`);
        if (JSON.stringify(await countStored(app)) !== JSON.stringify(before))
          faults.push(`${name}: left something`);
      }
      expect(faults).toEqual([]);
    },
  );

  it('leave no file without its source', async () => {
    const { rows } = await app.ctx.db.execute('select id from sources');
    const entries = await readdir(join(app.dataDir, 'files'), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    expect(files.length).toBe(rows.length);
    expect(files.every(({ name }) => name === 'original')).toBe(true);
  });
});
