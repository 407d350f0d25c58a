import { describe, expect, it } from 'vitest';
import { analyzeQuery, analyzeQueryWords, analyzeText, ANALYZER_VERSION } from './analyze.js';

describe('analyzeText', () => {
  it.each([
    [
      'en',
      "The customers' orders were Delivered; John’s order wasn't.",
      ['custom', 'order', 'deliv', 'john', 'order'],
    ],
    ['de', 'Die Häuser und Straßen der Größe 3', ['haus', 'strass', 'gross', '3']],
    ['fr', "L'été, qu'elle découvre l’hôtel d'Orsay", ['ete', 'decouvr', 'hotel', 'orsay']],
    ['ru', 'Всё о возврате товаров и ёлок', ['возврат', 'товар', 'елок']],
    ['tr', 'IŞIK İstanbul kitaplar', ['isik', 'istanbul', 'kitap']],
    ['tr', 'ürün, ürünlerin iadesi, iki iade', ['urun', 'urun', 'iades', 'iki', 'iade']],
    ['el', 'Η Αθήνα και οι δρόμοι της', ['αθηνα', 'δρομοι']],
    ['vi', 'bán đường và bạn', ['bán', 'đường', 'bạn']],
    ['hi', 'दिल्ली की सड़कें', ['दिल्ली', 'सड़कें']],
    ['zh', '退货期限', ['退', '退货', '货', '货期', '期', '期限', '限']],
    ['zh', '这是什么？', []],
    ['ja', '返品', ['返', '返品', '品']],
    ['th', 'คืนสินค้า', ['คืน', 'สินค้า', 'คืน', 'ืนส', 'นสิ', 'สิน', 'ินค', 'นค้', 'ค้า']],
    ['und', 'Running Émigrés', ['running', 'emigres']],
  ])('%s: %s', (language, text, terms) => {
    expect(analyzeText(text, language)).toEqual(terms);
  });

  it('takes Arabic spellings of one word for one', () => {
    const [plain] = analyzeText('مدرسة', 'ar');
    expect(plain).toBeDefined();
    expect(analyzeText('مَدْرَسَة مـدرسة مدرسه', 'ar')).toEqual([plain, plain, plain]);
    expect(analyzeText('أحمد إحمد', 'und')).toEqual(['احمد', 'احمد']);
  });

  it('reads digits of any script and full-width letters', () => {
    expect(analyzeText('١٢٣ ४२ ＡＢＣ', 'und')).toEqual(['123', '42', 'abc']);
  });

  it('keeps code identifiers whole and splits them', () => {
    expect(analyzeText('call getUserName', 'und')).toEqual(['call', 'getusername', 'get', 'user', 'name']);
    expect(analyzeText('max_open_files', 'und')).toEqual(['max_open_files', 'max', 'open', 'files']);
    expect(analyzeText('app.listen()', 'und')).toEqual(['app.listen', 'app', 'listen']);
    expect(analyzeText('HTMLParser v1.2.3', 'und')).toEqual([
      'htmlparser',
      'html',
      'parser',
      'v1.2.3',
      'v1',
      '2',
      '3',
    ]);
    expect(analyzeText('Sentence one. Sentence two', 'und')).toEqual(['sentence', 'one', 'sentence', 'two']);
  });

  it('cuts long terms at 64 characters, not inside a character', () => {
    expect(analyzeText('a'.repeat(500_000), 'en')).toEqual(['a'.repeat(64)]);
    expect(analyzeText(`a${'𝒳'.normalize('NFC')}`.repeat(1), 'und')).toEqual(['ax']);
    const rare = `b${'𐐨'.repeat(40)}`;
    expect(analyzeText(rare, 'und')).toEqual([`b${'𐐨'.repeat(31)}`]);
  });

  it('survives words that are names of object properties', () => {
    expect(analyzeText('constructor __proto__ toString hasOwnProperty', 'constructor')).toContain(
      'constructor',
    );
    expect(analyzeText('constructor', 'en')).toEqual(['constructor']);
  });

  it('does not see invisible characters', () => {
    expect(analyzeText('de\u00adliv\u200bery', 'und')).toEqual(['delivery']);
  });
});

describe('analyzeQuery', () => {
  it('gives distinct terms, those that the text has', () => {
    expect(analyzeQuery('Return, returns, returned?', ['en'])).toEqual(['return']);
  });

  it('joins what several languages make of a word', () => {
    expect(analyzeQueryWords('lieferungen', ['en', 'de'])).toEqual([['lieferungen', 'liefer']]);
    expect(analyzeQuery('lieferungen', ['en', 'de'])).toEqual(['lieferungen', 'liefer']);
  });

  it('leaves out what is a stop word in the likeliest language', () => {
    expect(analyzeQuery('was ist die Frist', ['de', 'en'])).toEqual(['frist']);
    expect(analyzeQuery('was ist die Frist', ['en', 'de'])).toEqual(['ist', 'die', 'frist']);
  });

  it('keeps characters and pairs apart, whatever the other languages are', () => {
    expect(analyzeQueryWords('退货的', ['zh', 'en'])).toEqual([['退'], ['退货'], ['货'], ['货的']]);
  });

  it('keeps stop words when there is nothing else', () => {
    expect(analyzeQuery('The Who', ['en'])).toEqual(['the', 'who']);
    expect(analyzeQuery('为什么', ['zh'])).not.toEqual([]);
    expect(analyzeQuery('?!', ['en'])).toEqual([]);
  });

  it('uses four languages at most, and none without one', () => {
    expect(analyzeQuery('katten', ['en', 'el', 'ru', 'vi', 'sv'])).toEqual(['katten']);
    expect(analyzeQuery('Cats', [])).toEqual(['cats']);
  });

  it('names its version', () => {
    expect(ANALYZER_VERSION).toBe(2);
  });
});
