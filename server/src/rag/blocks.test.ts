import { describe, expect, it } from 'vitest';
import { splitBlocks } from './blocks.js';

const PAGE = `# Title

Intro line one
line two

Section
-------
- a
  more of a

- b

| x | y |
|---|---|
| 1 | 2 |

\`\`\`ts
# no heading

const a = 1;
\`\`\`
After *code*.
***
1. one
2. two

Last ## not a heading`;

describe('splitBlocks', () => {
  it('tells headings, paragraphs, lists, tables and code apart', () => {
    const blocks = splitBlocks(PAGE, 'markdown');
    expect(blocks.map(({ kind, start, end }) => [kind, PAGE.slice(start, end)])).toEqual([
      ['heading', '# Title'],
      ['paragraph', 'Intro line one\nline two'],
      ['heading', 'Section\n-------'],
      ['list', '- a\n  more of a\n\n- b'],
      ['table', '| x | y |\n|---|---|\n| 1 | 2 |'],
      ['code', '```ts\n# no heading\n\nconst a = 1;\n```'],
      ['paragraph', 'After *code*.'],
      ['list', '1. one\n2. two'],
      ['paragraph', 'Last ## not a heading'],
    ]);
    expect(blocks.filter(({ kind }) => kind === 'heading').map(({ level, title }) => [level, title])).toEqual(
      [
        [1, 'Title'],
        [2, 'Section'],
      ],
    );
  });

  it('cleans the titles of headings', () => {
    const [block] = splitBlocks('### **Bold** [link](http://a.b) `code` ###', 'markdown');
    expect(block).toMatchObject({ level: 3, title: 'Bold link code' });
  });

  it('knows tables without outer pipes and code that is never closed', () => {
    const text = 'a | b\n--- | ---\n1 | 2\n\n~~~\ncode\n\n# still code';
    expect(splitBlocks(text, 'markdown').map(({ kind }) => kind)).toEqual(['table', 'code']);
  });

  it('takes plain text for text', () => {
    const text = '# one\n- two\n\n\n| three |\n';
    expect(splitBlocks(text, 'plain').map(({ kind, start, end }) => [kind, text.slice(start, end)])).toEqual([
      ['paragraph', '# one\n- two'],
      ['paragraph', '| three |'],
    ]);
  });
});
