import { describe, expect, it } from 'vitest';

import { splitBlocks } from './page-blocks.js';

const textsOf = (markdown: string) =>
  splitBlocks(markdown).map(({ kind, start, end }) => [kind, markdown.slice(start, end)]);
const hashOf = (markdown: string) => splitBlocks(markdown)[0]?.hash;

describe('the blocks of a page', () => {
  it('are headings, paragraphs, items, rows and code', () => {
    expect(
      textsOf(
        '# Head\n\nOne\nline\n\n- a\n  - b\n\n    more b\n- c\n\n2. d\n\nCap\n\n| A | B |\n| --- | --- |\n| 1 | 2 |\n\n' +
          '```js\n# no heading\n\n- no item\n```\n\nEnd',
      ),
    ).toEqual([
      ['heading', '# Head'],
      ['paragraph', 'One\nline'],
      ['item', '- a'],
      ['item', '  - b\n\n    more b'],
      ['item', '- c'],
      ['item', '2. d'],
      ['paragraph', 'Cap'],
      ['tableRow', '| A | B |'],
      ['tableRow', '| 1 | 2 |'],
      ['code', '```js\n# no heading\n\n- no item\n```'],
      ['paragraph', 'End'],
    ]);
    expect(splitBlocks('')).toEqual([]);
  });

  it('end with the page where a fence does not, and keep longer fences whole', () => {
    expect(textsOf('````\n```\na\n````\n\nb')).toEqual([
      ['code', '````\n```\na\n````'],
      ['paragraph', 'b'],
    ]);
    expect(textsOf('```\na\n\nb')).toEqual([['code', '```\na\n\nb']]);
  });

  it('have a hash of what they say, however its blanks are set', () => {
    expect(hashOf('All rights reserved')).toMatch(/^[\da-f]{12}$/);
    expect(hashOf('All  rights\nreserved')).toBe(hashOf('All rights reserved'));
    expect(hashOf('  - Home')).toBe(hashOf('- Home'));
    expect(hashOf('3. Home')).toBe(hashOf('1. Home'));
    expect(hashOf('### Contact')).toBe(hashOf('## Contact'));
    expect(hashOf('## Contact')).not.toBe(hashOf('Contact'));
    expect(hashOf('Home')).not.toBe(hashOf('home'));
  });
});
