import { describe, expect, it } from 'vitest';
import { findDifferingSentences } from './differing-sentences.js';

interface Place {
  text: string;
  title?: string;
  heading?: string | null;
  documentId?: string;
  language?: string;
}

function quotesOf(question: string, places: Place[]): string[] | null {
  const passages = places.map((place, index) => ({
    chunkId: `c${index}`,
    documentId: `d${index}`,
    title: `Text ${index}`,
    heading: null,
    language: 'en',
    ...place,
  }));
  const pair = findDifferingSentences(question, passages);
  return pair?.map(({ passage, start, end }) => passage.text.slice(start, end)) ?? null;
}

const QUESTION = 'How long does a refund take?';

describe('findDifferingSentences', () => {
  it.each([
    ['en', QUESTION, 'A refund takes five working days.', 'A refund takes 7 working days.'],
    ['en', QUESTION, '- A refund takes 14 working days', 'A refund takes **7** working days.'],
    [
      'en',
      'When does the summer sale end?',
      'The summer sale ends on 3 March 2024.',
      'The summer sale ends on 12 April 2024.',
    ],
    [
      'de',
      'Wie lange dauert eine Erstattung?',
      'Die Erstattung dauert fünf Werktage.',
      'Die Erstattung dauert zehn Werktage.',
    ],
    [
      'fr',
      'Quel est le délai de remboursement ?',
      'Le délai de remboursement est de 14 jours.',
      'Le délai de remboursement est de 30 jours.',
    ],
    [
      'ru',
      'Сколько длится возврат денег?',
      'Возврат денег длится 5 рабочих дней.',
      'Возврат денег длится 10 рабочих дней.',
    ],
    ['zh', '退款需要多少天？', '退款需要 5 个工作日。', '退款需要 7 个工作日。'],
    ['ar', 'كم يستغرق رد المبلغ؟', 'يستغرق رد المبلغ 5 أيام عمل.', 'يستغرق رد المبلغ 9 أيام عمل.'],
  ])('finds equal sentences with another number: %s %s', (language, question, one, other) => {
    const bare = (text: string) => text.replace(/^- /, '');
    expect(
      quotesOf(question, [
        { text: `Hello.\n\n${one}`, language },
        { text: other, language },
      ]),
    ).toEqual([bare(one), bare(other)]);
  });

  const DIFFER = ['A refund takes 5 working days.', 'A refund takes 7 working days.'] as const;

  it('finds them in two places of one document, under one heading or where they name their topic', () => {
    const [text, other] = DIFFER;
    const documentId = 'd';
    expect(
      quotesOf(QUESTION, [
        { text, documentId },
        { text: other, documentId },
      ]),
    ).toEqual([text, other]);
    const headings = [
      { text, documentId, heading: 'Refunds' },
      { text: other, documentId, heading: 'Payment' },
    ];
    expect(quotesOf(QUESTION, headings)).toEqual([text, other]);
  });

  it.each<[string, string, Place[]]>([
    ['the same', QUESTION, [{ text: DIFFER[0] }, { text: DIFFER[0] }]],
    [
      'numbers written in two ways',
      'What does a large order cost?',
      [{ text: 'A large order costs 1,000 euros.' }, { text: 'A large order costs 1000 euros.' }],
    ],
    ['not asked for', 'Who founded the roastery?', DIFFER.map((text) => ({ text }))],
    [
      'another name',
      'What does the plan cost a month?',
      [{ text: 'The Pro plan costs 20 euros a month.' }, { text: 'The Team plan costs 30 euros a month.' }],
    ],
    [
      'headings of two things',
      'What does the plan cost a month?',
      [
        { text: 'The plan costs 20 euros a month.', heading: 'Pro plan' },
        { text: 'The plan costs 30 euros a month.', heading: 'Team plan' },
      ],
    ],
    [
      'headings in one document',
      'What is the monthly price per user?',
      [
        { text: 'The monthly price per user is 20 euros.', heading: 'Pro', documentId: 'd' },
        { text: 'The monthly price per user is 30 euros.', heading: 'Team', documentId: 'd' },
      ],
    ],
    [
      'a title that is asked for',
      'How long is the warranty of the grinder?',
      [
        { text: 'The warranty covers parts for 2 years.', title: 'Grinder' },
        { text: 'The warranty covers parts for 5 years.', title: 'Kettle' },
      ],
    ],
    [
      'two numbers',
      QUESTION,
      [{ text: 'A refund of 10 euros takes 5 days.' }, { text: 'A refund of 20 euros takes 7 days.' }],
    ],
    [
      'rows of a table',
      'What does shipping to the zone cost?',
      [
        { text: '| Shipping to the zone costs | 5 |', documentId: 'd' },
        { text: '| Shipping to the zone costs | 9 |', documentId: 'd' },
      ],
    ],
    [
      'years of a chronicle',
      'When did the festival take place in Berlin?',
      [
        { text: 'The festival took place in Berlin in 2019.', documentId: 'd' },
        { text: 'The festival took place in Berlin in 2020.', documentId: 'd' },
      ],
    ],
    [
      'dates at the start',
      'When was the new branch opened?',
      [{ text: '1990: the new branch opened downtown.' }, { text: '1995: the new branch opened downtown.' }],
    ],
    [
      'versions',
      'Which version fixes the login problem?',
      [{ text: 'Version 1.2 fixes the login problem.' }, { text: 'Version 1.3 fixes the login problem.' }],
    ],
    [
      'page numbers',
      'Where is the price list printed?',
      [{ text: 'The price list is printed on page 3.' }, { text: 'The price list is printed on page 9.' }],
    ],
    [
      'one passage',
      'What does a parcel up to 5 kg cost?',
      [{ text: 'A parcel up to 2 kg costs 5 euros. A parcel up to 5 kg costs 5 euros.' }],
    ],
  ])('is silent about %s', (_name, question, places) => {
    expect(quotesOf(question, places)).toBeNull();
  });
});
