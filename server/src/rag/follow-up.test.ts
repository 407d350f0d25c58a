import { describe, expect, it } from 'vitest';
import { carryOver, fittingQuestion, languageOfTurns, leansOnEarlier, wholeQuestion } from './follow-up.js';

const LEANING: Record<string, string[]> = {
  en: [
    'And the Enterprise one?',
    'How much does it cost?',
    'What about students?',
    'For students?',
    'Why?',
    'Is that one cheaper?',
    'How long is its warranty?',
    'Can I return them?',
    'Which one is better?',
    'but how much?',
  ],
  de: [
    'Und der Enterprise-Tarif?',
    'Wie viel kostet er?',
    'Und für Studenten?',
    'Was kostet das?',
    'Warum?',
    'Wie lange ist seine Garantie?',
    'Für Studenten?',
  ],
  es: [
    '¿Y el plan Enterprise?',
    '¿Cuánto cuesta eso?',
    '¿Y para estudiantes?',
    '¿Puedo devolverlo?',
    '¿Por qué?',
  ],
  fr: [
    'Et le forfait Enterprise ?',
    'Combien coûte-t-il ?',
    'Et pour les étudiants ?',
    'Pourquoi ?',
    'Quelle est sa garantie ?',
  ],
  it: ['E il piano Enterprise?', 'Quanto costa questo?', 'E per gli studenti?', 'Posso restituirlo?'],
  pt: ['E o plano Enterprise?', 'Quanto custa isso?', 'E para estudantes?', 'Qual é a garantia dele?'],
  nl: [
    'En het Enterprise-abonnement?',
    'Wat kost het?',
    'En voor studenten?',
    'Hoe lang is de garantie ervan?',
  ],
  ru: ['А тариф Enterprise?', 'Сколько он стоит?', 'А для студентов?', 'Почему?'],
  ar: ['وماذا عن خطة المؤسسات؟', 'وكم تكلفتها؟', 'وهل يوجد خصم للطلاب؟'],
  hi: ['और एंटरप्राइज़ प्लान?', 'इसकी कीमत क्या है?', 'और छात्रों के लिए?'],
  tr: ['Peki Enterprise planı?', 'Onun fiyatı ne kadar?', 'Ya öğrenciler için?'],
  zh: ['那企业版呢？', '它多少钱？', '学生呢？'],
  ja: ['エンタープライズは？', 'その料金は？', 'では学生は？'],
};

const STANDING: Record<string, string[]> = {
  en: [
    'What does the Pro plan cost?',
    'Is it possible to cancel my plan?',
    'How long does it take to ship to Canada?',
    'Is same-day delivery available in Vienna?',
    'Do you offer a free trial?',
    'Who founded the company?',
  ],
  de: [
    'Was kostet der Pro-Tarif?',
    'Liefern Sie nach Österreich?',
    'Gibt es einen Rabatt für Studenten?',
    'Wie lauten Ihre Öffnungszeiten?',
  ],
  es: ['¿Cuánto cuesta el plan Pro?', '¿Hay descuentos para estudiantes?'],
  fr: [
    'Combien coûte le forfait Pro ?',
    'Y a-t-il une garantie sur le moulin ?',
    'Est-ce que vous livrez en Suisse ?',
  ],
  it: ['Quanto costa il piano Pro?', 'Quali sono gli orari di apertura?'],
  pt: ['Quanto custa o plano Pro?', 'O plano Pro inclui suporte?'],
  nl: ['Wat kost het Pro-abonnement?', 'Hoe lang is de garantie op de molen?'],
  ru: ['Сколько стоит тариф Pro?', 'Какая гарантия на кофемолку?'],
  ar: ['كم تكلفة الخطة الاحترافية؟', 'ما هو أساس دستور دولة فيكتوريا؟'],
  hi: ['प्रो प्लान की कीमत क्या है?'],
  tr: ['Pro planı ne kadar?', 'Öğrenci indirimi var mı?'],
  zh: ['专业版多少钱？', '咖啡机的保修期是多久？'],
  ja: ['プロプランの料金はいくらですか？', '保証期間はどのくらいですか？'],
};

const cases = (list: Record<string, string[]>) =>
  Object.entries(list).flatMap(([language, questions]) =>
    questions.map((question) => [language, question] as const),
  );

describe('a question leans on earlier ones', () => {
  it.each(cases(LEANING))('%s: %s', (language, question) => {
    expect(leansOnEarlier(question, language)).toBe(true);
  });
  it.each(cases(STANDING))('not in %s: %s', (language, question) => {
    expect(leansOnEarlier(question, language)).toBe(false);
  });
});

const turn = (question: string, answer: string, titles: string[] = ['Handbook']) => ({
  question,
  answer,
  titles,
});

describe('what is carried over', () => {
  it.each([
    [
      'And the Enterprise one?',
      turn('What does the Pro plan cost?', 'The Pro plan costs €20 a month. [1]'),
      'Enterprise Pro plan cost',
    ],
    [
      'How long is its warranty?',
      turn('Which grinder is for espresso?', 'For espresso there is the E5. [1]'),
      'warranty grinder espresso E5',
    ],
    [
      'Und der Enterprise-Tarif?',
      turn('Was kostet der Pro-Tarif?', 'Der Pro-Tarif kostet zwanzig Euro im Monat. [1]'),
      'Enterprise Tarif kostet Pro',
    ],
    ['那企业版呢？', turn('专业版多少钱？', '专业版每月二十欧元。[1]'), '企业 版 专业 多少钱'],
    ['Why?', turn('And then?', 'So it is. [1]', ['Refund policy']), 'Refund policy'],
  ])('%s', (question, last, whole) => {
    const language = languageOfTurns(question, [last]);
    const followUp = carryOver(question, [last], language);
    expect(followUp === null ? null : wholeQuestion(followUp)).toBe(whole);
  });

  it('comes from as far back as the questions lean', () => {
    const earlier = [
      turn('How do I brew tea?', 'Steep it. [1]'),
      turn('What does the Pro plan cost?', 'Twenty euros a month. [1]'),
      turn('And the Enterprise one?', 'Ninety euros a month. [1]'),
    ];
    expect(carryOver('And for students?', earlier, 'en')?.carried).toEqual([
      'Enterprise',
      'Pro',
      'plan',
      'cost',
    ]);
    expect(carryOver('And for students?', [], 'en')).toBeNull();
    expect(carryOver('What is the shipping fee to Canada?', earlier, 'en')).toBeNull();
  });

  it('loses what the question has replaced by words of its own', () => {
    const text = 'The Pro plan costs €20 a month. The Enterprise plan costs €90 a month.';
    const passage = { number: 1, title: 'Prices', heading: null, text, score: 1 };
    const last = turn('What does the Pro plan cost?', 'Twenty euros a month. [1]');
    const ask = (question: string) => {
      const followUp = carryOver(question, [last], 'en');
      return followUp === null ? null : fittingQuestion(followUp, [passage]);
    };
    expect(ask('And the Enterprise one?')).toBe('Enterprise plan cost');
    expect(ask('And the Team one?')).toBe('Team Pro plan cost');
    expect(ask('Why?')).toBe('Pro plan cost');
  });
});
