import { expect, it } from 'vitest';

import { clipPageFacts } from './clip-page-facts.js';

it('leaves out of the facts what the parent would not take, and nothing else', () => {
  const long = `https://a.example/${'x'.repeat(2_048)}`;
  const facts = clipPageFacts({
    links: [
      long,
      'mailto:a@b.c',
      ...Array.from({ length: 10_001 }, (_, index) => `https://a.example/${index}`),
    ],
    canonical: long,
    alternates: [
      { language: 'de', url: 'https://a.example/de' },
      { language: 'x'.repeat(36), url: 'https://a.example/x' },
      { language: 'fr', url: long },
    ],
    refresh: 'javascript:alert(1)',
    isNoindex: false,
    isNofollow: true,
    hiddenCharacters: 7,
    blocks: ['a1', 'x'.repeat(65), 'b2'],
  });
  expect(facts).toMatchObject({
    canonical: null,
    alternates: [{ language: 'de', url: 'https://a.example/de' }],
    refresh: null,
    isNoindex: false,
    isNofollow: true,
    hiddenCharacters: 7,
    blocks: ['a1', 'b2'],
  });
  expect(facts.links).toHaveLength(10_000);
  expect(facts.links[0]).toBe('https://a.example/0');
});
