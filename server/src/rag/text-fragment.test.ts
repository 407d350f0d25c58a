import { describe, expect, it } from 'vitest';
import { deepLinkOf } from './text-fragment.js';

function link(url: string | null, text: string, quote = text, from = 0): string | null {
  const start = text.indexOf(quote, from);
  return deepLinkOf(url, text, { start, end: start + quote.length });
}

const LONG =
  'Orders that are placed before eleven leave the roastery on the same day, those placed later on the next, and on Saturdays and Sundays nothing leaves the roastery at all, whatever it says elsewhere.';

describe('deepLinkOf', () => {
  it.each([
    [
      'Costs 5 EUR, non-refundable & final.',
      'https://a.example/p',
      'https://a.example/p#:~:text=Costs%205%20EUR%2C%20non%2Drefundable%20%26%20final.',
    ],
    [
      '退货期限为30天。',
      'https://a.example/p#faq',
      'https://a.example/p#faq:~:text=%E9%80%80%E8%B4%A7%E6%9C%9F%E9%99%90%E4%B8%BA30%E5%A4%A9%E3%80%82',
    ],
    [
      LONG,
      'http://a.example/',
      'http://a.example/#:~:text=Orders%20that%20are%20placed%20before%20eleven,roastery%20at%20all%2C%20whatever%20it%20says%20elsewhere.'.replace(
        'roastery%20at',
        'at',
      ),
    ],
    [
      'See [our **terms**](https://a.example/t) for more.',
      'https://a.example/p',
      'https://a.example/p#:~:text=See,for%20more.',
    ],
    ['Plain.', 'file:///x', null],
    ['Plain.', null, null],
    ['**', 'https://a.example/p', null],
  ])('%s', (text, url, expected) => {
    expect(link(url, text)).toBe(expected);
  });

  it('says what stands before a quote that is not the only one', () => {
    const text = 'Grinder: two years. Kettle: two years.';
    expect(link('https://a.example/p', text, 'two years.', 25)).toBe(
      'https://a.example/p#:~:text=Grinder%3A%20two%20years.%20Kettle%3A-,two%20years.',
    );
  });
});
