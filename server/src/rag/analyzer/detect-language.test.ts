import { describe, expect, it } from 'vitest';
import { detectChunkLanguage, detectLanguage } from './detect-language.js';
import { queryLanguages } from './query-languages.js';

describe('detectLanguage', () => {
  it.each([
    ['en', 'How can I return an order that I no longer want?'],
    ['de', 'Wie lange dauert die Lieferung nach Österreich?'],
    ['fr', 'Quels sont les délais de livraison pour la Belgique ?'],
    ['ru', 'Как вернуть товар, который мне не подошёл?'],
    ['el', 'Πόσο διαρκεί η παράδοση;'],
    ['zh', '退货期限是多久？'],
    ['ja', '返品の期限はいつですか？'],
    ['ko', '반품 기한은 언제까지입니까?'],
    ['th', 'คืนสินค้าได้ภายในกี่วัน'],
    ['ar', 'ما هي مدة التوصيل إلى المدينة؟'],
    ['hi', 'मैं अपना ऑर्डर कैसे वापस कर सकता हूँ?'],
    ['km', 'តើខ្ញុំអាចប្រគល់ទំនិញវិញបានទេ'],
  ])('knows %s', (language, text) => {
    expect(detectLanguage(text)).toBe(language);
  });

  it('does not guess without letters, and looks past code and addresses', () => {
    expect(detectLanguage('')).toBe('und');
    expect(detectLanguage('12 + 30 = 42 !!!')).toBe('und');
    expect(detectLanguage('`const x` https://example.com/the/an/of')).toBe('und');
    expect(detectLanguage('```\nif the that this\n```\nDie Lieferung dauert drei Tage.')).toBe('de');
  });

  it('takes Chinese with English names for Chinese', () => {
    expect(detectLanguage('请问 iPhone 15 Pro 的保修期是多久？可以延长吗？')).toBe('zh');
  });

  it('looks at the start of a long text only', () => {
    expect(
      detectLanguage(`${'This is the text of the page. '.repeat(200)}${'退货期限'.repeat(50_000)}`),
    ).toBe('en');
  });
});

describe('detectChunkLanguage', () => {
  const german =
    'Die Garantie der Mühle beträgt zwei Jahre, gerechnet ab dem Tag der Lieferung an den Kunden.';

  it('is that of the document, unless the chunk is clearly in another', () => {
    expect(detectChunkLanguage(german, 'en')).toBe('de');
    expect(
      detectChunkLanguage(
        '返品は配送後三十日以内に無料で受け付けております。返金は五営業日以内に行われます。',
        'en',
      ),
    ).toBe('ja');
    expect(detectChunkLanguage('Garantie: zwei Jahre', 'en')).toBe('en');
    expect(detectChunkLanguage('const total = items.reduce((sum, item) => sum + item.price, 0);', 'de')).toBe(
      'de',
    );
    expect(detectChunkLanguage('4711 0815 2024', 'tr')).toBe('tr');
  });

  it('is its own where that of the document is unknown', () => {
    expect(detectChunkLanguage(german, 'und')).toBe('de');
  });
});

const equally = (...languages: string[]) => new Map(languages.map((language) => [language, 10]));

describe('queryLanguages', () => {
  it('reads a question in the language that its words tell, or in several', () => {
    expect(queryLanguages('Wie lange gilt die Garantie der Mühle?', equally('en', 'de', 'fr'))[0]).toBe('de');
    expect(queryLanguages('この商品は返品できますか', equally('en', 'ja'))).toEqual(['ja']);
    expect(queryLanguages('anything', equally('tr'))).toEqual(['tr']);
    expect(queryLanguages('12345', equally('en', 'de', 'fr', 'es', 'it'))).toEqual(['en', 'de', 'fr', 'es']);
    expect(queryLanguages('garantie', equally('en', 'de', 'fr')).length).toBeGreaterThan(1);
    expect(queryLanguages('anything', equally())).toEqual([]);
  });

  it('does not take a question for one in a neighbour of which there is hardly anything', () => {
    const question = 'नॉर्मंडी किस देश में है?';
    expect(
      queryLanguages(
        question,
        new Map([
          ['hi', 238],
          ['mr', 2],
        ]),
      ),
    ).toEqual(['hi']);
    const german = 'Wie lange gilt die Garantie der Mühle?';
    expect(
      queryLanguages(
        german,
        new Map([
          ['en', 990],
          ['de', 10],
        ]),
      )[0],
    ).toBe('de');
  });
});
