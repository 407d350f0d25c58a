import { describe, expect, it } from 'vitest';

import { splitBlocks } from './page-blocks.js';
import { dropBoilerplate } from './page-boilerplate.js';

/** What is left of a page when the blocks of `recurring` stand on all pages of its site. */
function rest(content: string, recurring: string, title: string | null = null): string {
  const boilerplate = new Set(splitBlocks(recurring).map((block) => block.hash));
  return dropBoilerplate({ content, title, boilerplate }).content;
}

describe('blocks that recur over a site', () => {
  it('are left out: menus, banners, footers', () => {
    expect(
      rest(
        '- Home\n- Shop\n\nWe use cookies.\n\n# Socks\n\nWarm ones.\n\n- Wool\n- Red\n\nImprint',
        '- Home\n- Shop\n- Red\n\nWe use\ncookies.\n\nImprint',
      ),
    ).toBe('# Socks\n\nWarm ones.\n\n- Wool');
  });

  it('take the headings with them that have nothing else below', () => {
    const page =
      '# Socks\n\nWarm.\n\n## Related\n\n### Hats\n\n- Hat\n\n## Size\n\nLarge\n\n## Empty\n\n## Contact\n\nMail us';
    expect(rest(page, '- Hat\n\nMail us')).toBe('# Socks\n\nWarm.\n\n## Size\n\nLarge\n\n## Empty');
  });

  it('leave a heading above what is new, but not above the content', () => {
    expect(rest('# f\n\nDoes f.\n\n## Returns\n\nAn f.', '## Returns')).toBe(
      '# f\n\nDoes f.\n\n## Returns\n\nAn f.',
    );
    expect(rest('## Acme\n\n- Home\n\n# Socks\n\nWarm.', '## Acme\n\n- Home', 'Socks')).toBe(
      '# Socks\n\nWarm.',
    );
  });

  it('leave the headline of the page, by its title or by its place', () => {
    expect(rest('# Home\n\nHello\n\n# Acme\n\nText', '# Home\n\n# Acme\n\nHello', 'Acme')).toBe(
      '# Acme\n\nText',
    );
    expect(rest('# Home\n\nHello', '# Home\n\nHello')).toBe('# Home');
  });

  it('leave code and tables whole, and drop a table that recurs as a whole', () => {
    const table = '| A | B |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |';
    const code = '```\nnpm install\n```';
    expect(rest(`x\n\n${table}\n\n${code}\n\ny`, `| A | B |\n\n| 1 | 2 |\n\n${code}`)).toBe(
      `x\n\n${table}\n\n${code}\n\ny`,
    );
    expect(rest(`x\n\n${table}\n\ny`, table)).toBe('x\n\ny');
  });

  it('may be all of a page, or nothing', () => {
    expect(rest('a\n\nb', 'a\n\nb')).toBe('');
    expect(rest('a\n\n\n\nb', 'c')).toBe('a\n\n\n\nb');
  });

  it('are told by the hashes of the whole page', () => {
    const content = 'a\n\nb';
    const hashes = splitBlocks(content).map((block) => block.hash);
    expect(dropBoilerplate({ content, title: null, boilerplate: new Set(hashes.slice(0, 1)) })).toEqual({
      content: 'b',
      hashes,
    });
  });
});
