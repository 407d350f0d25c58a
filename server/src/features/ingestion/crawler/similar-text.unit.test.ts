import { describe, expect, it } from 'vitest';

import { isSimilarText, textFingerprint } from './similar-text.js';

const MENU =
  'Home Products Pricing Documentation Blog About us Careers Contact Sign in Start your free trial today';
const FOOTER =
  'Imprint Privacy Terms of use Cookie settings Follow us on the network Made with care in Hamburg';
const notFound = (path: string) =>
  `${MENU}\n\nSorry, the page ${path} could not be found. It may have moved or it may never have existed. Try the search or go back to the start page. Error 404-${path.length}\n\n${FOOTER}`;
const ARTICLE = `${MENU}\n\nThe warranty covers every part of the pump for two years from the day of purchase. Send the invoice and a photograph of the damage to our service, which answers within three working days.\n\n${FOOTER}`;

const isSimilar = (a: string, b: string) => isSimilarText(textFingerprint(a), textFingerprint(b));

describe('the fingerprint of a text', () => {
  it('is 16 hexadecimal digits, always the same', () => {
    expect(textFingerprint(ARTICLE)).toMatch(/^[0-9a-f]{16}$/);
    expect(textFingerprint(ARTICLE)).toBe(textFingerprint(ARTICLE));
    expect(textFingerprint('')).toMatch(/^[0-9a-f]{16}$/);
    expect(textFingerprint('one')).not.toBe(textFingerprint('two'));
  });

  it('leaves out addresses, paths, digits, case and spaces', () => {
    const plain = textFingerprint('see for details about the pump and its parts');
    expect(
      textFingerprint('See https://a.example/b?c=1 for  DETAILS /x/y\n about the pump 12 and its 300 parts'),
    ).toBe(plain);
  });
});

describe('similar texts', () => {
  it('are two error pages of one site, whatever was asked for', () => {
    expect(isSimilar(notFound('/no-such-page-4711'), notFound('/shop/old/product?id=12'))).toBe(true);
  });

  it('are not an error page and an article within the same frame', () => {
    expect(isSimilar(notFound('/a'), ARTICLE)).toBe(false);
  });

  it('are not two different texts in a script without spaces', () => {
    expect(
      isSimilar(
        'お探しのページは見つかりませんでした。検索をお試しください。',
        '保証期間は購入日から二年間です。領収書をお送りください。',
      ),
    ).toBe(false);
  });
});
