import { describe, expect, it } from 'vitest';

import { extractDocument } from './extract-document.js';

const extract = (text: string, fileName = 'a.json') =>
  extractDocument(Buffer.from(text), { fileName, mediaType: null });
const contentOf = async (value: unknown) => (await extract(JSON.stringify(value))).content;

describe('JSON', () => {
  it('becomes headings, labelled lines and rows', async () => {
    const shop = {
      title: 'Shop',
      isOpen: true,
      closed: null,
      tags: ['desk', 'lamp'],
      address: { city: 'Berlin', geo: { lat: 52.5 } },
      staff: [
        { name: 'Anna', role: { id: 7, name: 'chief' } },
        { name: 'Bo', days: ['Mon', 'Tue'] },
      ],
    };
    const document = await extract(`\ufeff${JSON.stringify(shop)}`);
    expect(document).toMatchObject({ title: 'Shop', format: 'markdown' });
    expect(document.content).toBe(
      'title: Shop\nisOpen: true\ntags: desk, lamp\n\n# address\n\ncity: Berlin\n\n## geo\n\nlat: 52.5\n\n' +
        '# staff\n\n- name: Anna; role.id: 7; role.name: chief\n- name: Bo; days: Mon, Tue',
    );
  });

  it('names the items of a list that are too large for a row', async () => {
    const fields = Object.fromEntries(Array.from({ length: 61 }, (_, index) => [`f${index}`, index]));
    const content = await contentOf([{ name: 'Large', fields, parts: [{ part: 'leg' }] }, 'small']);
    expect(content.startsWith('# Large\n\nname: Large\n\n## fields\n\nf0: 0\nf1: 1\n')).toBe(true);
    expect(content.endsWith('f60: 60\n\n## parts\n\n- part: leg\n\n# 2\n\nsmall')).toBe(true);
    expect(await contentOf([{ name: 'Desk', parts: [{ part: 'leg' }] }, 'small'])).toBe(
      '- name: Desk; parts.0.part: leg\n- small',
    );
  });

  it('with one value a line becomes rows, also where the last line is cut off', async () => {
    const lines = '{"id":1,"text":"a"}\n{"id":2,"text":"b"}\n';
    expect((await extract(lines, 'a.jsonl')).content).toBe('- id: 1; text: a\n- id: 2; text: b');
    expect((await extract(`${lines}{"id":`, 'a.ndjson')).content).toBe('- id: 1; text: a\n- id: 2; text: b');
  });

  it('that is none is read as the text that it is', async () => {
    const text = "{ // settings\n  name: 'x',\n}";
    await expect(extract(text)).resolves.toEqual({ title: null, content: text, format: 'plain', pages: [] });
  });

  it('is read however deep its keys lie, and refused where nobody could read it', async () => {
    const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    expect((await extract(nested(10))).content).toContain('###### a › a › a › a › a › a › a');
    for (const text of [nested(100_000), `${'['.repeat(100_000)}${']'.repeat(100_000)}`]) {
      await expect(extract(text)).rejects.toMatchObject({ name: 'SourceError', reason: 'malformed_file' });
    }
  });

  it('keeps keys that mean something to programs', async () => {
    expect((await extract('{"__proto__": {"a": 1}, "constructor": 2}')).content).toBe(
      'constructor: 2\n\n# __proto__\n\na: 1',
    );
  });
});
