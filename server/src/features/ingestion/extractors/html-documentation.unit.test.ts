import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { extractPage } from './extract-page.js';

const PAGES = new URL('../../../../test/fixtures/html-pages/', import.meta.url);

async function read(name: string) {
  const { text } = await extractPage(
    readFileSync(new URL(`${name}.html`, PAGES)),
    { fileName: null, mediaType: 'text/html' },
    { url: 'https://example.com/', boilerplate: [] },
  );
  return text;
}

describe('pages of documentation, as their generators write them', () => {
  it.each([
    ['docusaurus', 'Webhooks'],
    ['sphinx', 'pool — Connection pools'],
    ['mkdocs', 'Install'],
    ['gitbook', 'Rate limits'],
    ['wordpress', 'Delivery and returns'],
    ['table-layout', 'Model 40'],
  ])('keep all of their content, and nothing of what surrounds it: %s', async (name, title) => {
    const text = await read(name);
    expect(text.content).toBe(readFileSync(new URL(`${name}.expected.txt`, PAGES), 'utf8').trimEnd());
    expect(text.title).toBe(title);
  });
});
