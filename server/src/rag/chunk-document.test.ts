import { describe, expect, it } from 'vitest';
import { chunkDocument } from './chunk-document.js';
import type { ChunkableDocument } from './chunk-document.js';

function markdown(content: string): ChunkableDocument {
  return { content, format: 'markdown', pages: [] };
}

const sentence = 'The quick brown fox jumps over the lazy dog near the river bank every single day.';

describe('chunkDocument', () => {
  it('starts a chunk at a heading and gives its path', () => {
    const body = `${sentence} `.repeat(3).trim();
    const content = `# Guide\n\n## Returns\n\n${body}\n\n### By post\n\n${body}\n\n## Prices\n\n${body}`;
    const chunks = chunkDocument(markdown(content), { maxTokens: 80, overlapTokens: 0 });
    expect(chunks.map(({ headings, content: text }) => [headings, text])).toEqual([
      [['Guide', 'Returns'], `# Guide\n\n## Returns\n\n${body}`],
      [['Guide', 'Returns', 'By post'], `### By post\n\n${body}`],
      [['Guide', 'Prices'], `## Prices\n\n${body}`],
    ]);
  });

  it('joins small sections of one parent, under the headings they share', () => {
    const questions = '# FAQ\n\n## A?\n\nYes.\n\n## B?\n\nNo.';
    const chunks = chunkDocument(markdown(`${questions}\n\n# Other\n\nText.`));
    expect(chunks.map(({ headings, content }) => [headings, content])).toEqual([
      [['FAQ'], questions],
      [['Other'], '# Other\n\nText.'],
    ]);
  });

  it('keeps lists, tables and code whole where they fit', () => {
    const list = '- one item here\n- two items here\n- three items here';
    const table = '| a | b |\n|---|---|\n| 1 | 2 |';
    const chunks = chunkDocument(markdown(`${sentence}\n\n${list}\n\n${table}`), {
      maxTokens: 30,
      overlapTokens: 0,
    });
    expect(chunks.map(({ content }) => content)).toEqual([sentence, list, table]);
  });

  it('cuts tables between rows and code between lines', () => {
    const rows = Array.from({ length: 30 }, (_, row) => `| row ${row} | value ${row} |`);
    const code = Array.from({ length: 30 }, (_, line) => `const value${line} = ${line};`);
    const content = `${rows.join('\n')}\n\n\`\`\`\n${code.join('\n')}\n\`\`\``;
    const chunks = chunkDocument(markdown(content), { maxTokens: 50 });
    const lines = new Set(content.split('\n'));
    expect(chunks.length).toBeGreaterThan(6);
    expect(
      chunks.flatMap(({ content: text }) => text.split('\n')).filter((line) => !lines.has(line)),
    ).toEqual([]);
    expect(chunks.flatMap(({ content: text }) => text.split('\n')).filter(Boolean)).toEqual(
      content.split('\n').filter(Boolean),
    );
  });

  it('repeats the end of the paragraph before it', () => {
    const content = `First things come first. Second things follow here.\n\n${sentence}`;
    const chunks = chunkDocument(markdown(content), { maxTokens: 26, overlapTokens: 8 });
    expect(chunks.map(({ content: text }) => text)).toEqual([
      'First things come first. Second things follow here.',
      `Second things follow here.\n\n${sentence}`,
    ]);
  });

  it('tells the page on which a chunk starts', () => {
    const content = `${sentence}\n\n${sentence}\n\n${sentence}`;
    const pages = [
      { page: 1, start: 0 },
      { page: 2, start: sentence.length + 2 },
      { page: 4, start: content.length - 5 },
    ];
    const chunks = chunkDocument({ content, format: 'plain', pages }, { maxTokens: 20, overlapTokens: 0 });
    expect(chunks.map(({ page, index }) => [index, page])).toEqual([
      [0, 1],
      [1, 2],
      [2, 2],
    ]);
    expect(chunkDocument({ content, format: 'plain', pages: [] })[0]?.page).toBeNull();
  });

  it('gives slices of the content within the limit, whatever the text', () => {
    const content = [
      '# A\n\n'.repeat(5),
      `${'x'.repeat(9_000)}\n\n`,
      '退货期限为30天，运费由我们承担。'.repeat(80),
      `\n\n> quote\n\n${'- item with some text\n'.repeat(90)}`,
      '\n\n```\nnever closed\n\n\n   \n\n' + `${sentence}\n`.repeat(40),
      '   \n\n \t \n',
    ].join('');
    for (const format of ['markdown', 'plain'] as const) {
      const chunks = chunkDocument({ content, format, pages: [] }, { maxTokens: 60 });
      let covered = 0;
      for (const [index, chunk] of chunks.entries()) {
        expect(chunk.index).toBe(index);
        expect(chunk.content).toBe(content.slice(chunk.start, chunk.end));
        expect(chunk.content.trim()).not.toBe('');
        expect(chunk.tokenCount).toBeLessThanOrEqual(60);
        expect(content.slice(covered, Math.max(covered, chunk.start)).trim()).toBe('');
        covered = chunk.end;
      }
      expect(content.slice(covered).trim()).toBe('');
    }
  });

  it('gives nothing for nothing', () => {
    expect(chunkDocument(markdown(''))).toEqual([]);
    expect(chunkDocument(markdown(' \n\n\t\n'))).toEqual([]);
  });

  it('ends on huge documents', () => {
    expect(chunkDocument(markdown('y'.repeat(500_000))).length).toBeGreaterThan(100);
    expect(chunkDocument(markdown('# Heading\n'.repeat(20_000))).length).toBeGreaterThan(100);
    expect(chunkDocument(markdown('- '.repeat(100_000))).length).toBeGreaterThan(100);
    const far = chunkDocument(markdown(`one${'\n'.repeat(200_000)}two`));
    expect(far.map(({ content }) => content)).toEqual(['one', 'two']);
  });
});
