import { describe, expect, it } from 'vitest';
import { createCitationChecker } from './citations.js';
import { composeExtractiveAnswer } from './extractive-answer.js';
import type { PromptPassage } from './passages.js';

function passages(...texts: string[]): PromptPassage[] {
  return texts.map((text, index) => ({
    number: index + 1,
    title: 'Handbook',
    heading: null,
    text,
    score: 1 - index / 10,
  }));
}

function withoutMarkers(text: string): string {
  return text.replaceAll(/ \[\d+\](?= |$)/gu, ' []');
}

const shop = passages(
  '# Returns\n\nYou can return goods within 30 days of delivery. The goods must be unused.\n\n- Refunds take 5 working days.\n- Send the parcel to our warehouse in Graz.',
  '# Shipping\n\nShipping inside Austria costs 4.90 EUR. To Germany it costs 9.90 EUR [3].\n\n| Plan | Price |\n|---|---|\n| Express delivery | 12 EUR |',
  '## How do I reset my password?\n\nOpen the profile page and choose "Forgotten".\n\nQ: Do you sell vouchers?\nYes, in every shop and online.',
);

describe('composeExtractiveAnswer', () => {
  it.each([
    ['Within how many days can I return goods?', 'You can return goods within 30 days of delivery. [1]'],
    ['How long do refunds take?', 'Refunds take 5 working days. [1]'],
    ['What does shipping to Austria cost?', 'Shipping inside Austria costs 4.90 EUR. [2]'],
    ['What does shipping to Germany cost?', 'To Germany it costs 9.90 EUR. [2]'],
    ['How much is express delivery?', 'Express delivery, 12 EUR [2]'],
    ['How do I reset my password?', 'Open the profile page and choose "Forgotten". [3]'],
    ['Do you sell vouchers?', 'Yes, in every shop and online. [3]'],
    ['Who won the election in Mongolia?', ''],
    ['', ''],
  ])('%s', (question, answer) => {
    expect(composeExtractiveAnswer(question, shop, 'en')).toBe(answer);
  });

  it('takes another sentence when it covers what is open', () => {
    expect(
      composeExtractiveAnswer('How long do refunds take and where is the warehouse for parcels?', shop, 'en'),
    ).toBe('Refunds take 5 working days. [1] Send the parcel to our warehouse in Graz. [1]');
  });

  it('says of one thing what is asked, and not the same of another', () => {
    const [grinders] = passages(
      'The hand grinder H2 has a warranty of two years. The electric grinder E5 has a warranty of five years. Send it in its box.',
    );
    expect(composeExtractiveAnswer('Which warranty has the grinder H2?', [grinders!], 'en')).toBe(
      'The hand grinder H2 has a warranty of two years. [1]',
    );
  });

  it('gives nothing without passages', () => {
    expect(composeExtractiveAnswer('Anything?', [], 'en')).toBe('');
  });

  const cases: [language: string, texts: string[], questions: string[]][] = [
    [
      'en',
      shop.map(({ text }) => text),
      ['Where do I send the parcel and what does it cost?', 'express price goods'],
    ],
    [
      'en',
      [
        'Use `list[0]` to get the first item. The `map[string]` type [4] holds keys [see 1]. A lone ` tick and `` two stay [2, 3].',
      ],
      ['How do I get the first item?', 'What holds keys?', 'lone tick'],
    ],
    [
      'de',
      [
        'Die Rückgabe ist z. B. bis zum 3. Oktober 2024 möglich. Dr. Maier prüft alle Rücksendungen.\nDas dauert ca. 5 Tage, d.h. eine Woche.',
        'Der Versand kostet 4,90 Euro, ab 1.000 Euro ist er frei.',
      ],
      [
        'Bis wann ist die Rückgabe möglich?',
        'Wer prüft Rücksendungen und was kostet der Versand?',
        'Wie lange dauert das?',
      ],
    ],
    [
      'ru',
      [
        'Вернуть товар можно в течение 30 дней, т.е. месяца. Доставка по г. Москва стоит 300 руб. Заказы от 5 000 рублей доставляем бесплатно.',
      ],
      ['Сколько стоит доставка?', 'В течение скольких дней можно вернуть товар и когда доставка бесплатна?'],
    ],
    [
      'zh',
      ['退货期限为30天。运费由我们承担！客服电话是400-123-4567，周一至周五9:00到18:00服务。'],
      ['退货期限是多久？', '客服电话是多少？运费谁承担？'],
    ],
    [
      'th',
      [
        'คุณสามารถคืนสินค้าได้ภายใน 30 วันหลังจากได้รับสินค้า โดยสินค้าต้องอยู่ในสภาพเดิมและไม่เคยใช้งาน ค่าจัดส่งภายในประเทศ 50 บาท และส่งฟรีเมื่อสั่งซื้อครบ 1,000 บาทขึ้นไปทุกคำสั่งซื้อ ติดต่อฝ่ายบริการลูกค้าได้ทุกวัน',
      ],
      ['คืนสินค้าได้ภายในกี่วัน', 'ค่าจัดส่งเท่าไร และติดต่อฝ่ายบริการลูกค้าได้เมื่อไร'],
    ],
  ];

  it.each(cases)('keeps every marker through the checker: %s', (language, texts, questions) => {
    const sources = passages(...texts);
    for (const question of questions) {
      const answer = composeExtractiveAnswer(question, sources, language);
      expect(answer).toMatch(/ \[\d+\]$/u);
      const checker = createCitationChecker(sources, language);
      const checked = checker.push(answer).text + checker.end().text;
      expect(withoutMarkers(checked)).toBe(withoutMarkers(answer));
      for (const { passageNumber, start, end } of checker.citations()) {
        const quote = sources[passageNumber - 1]!.text.slice(start, end);
        expect(quote).toBe(quote.trim());
        expect(quote).not.toBe('');
      }
    }
  });
});
