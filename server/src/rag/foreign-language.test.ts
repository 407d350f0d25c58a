import { describe, expect, it } from 'vitest';
import { foreignLanguage, languageName } from './foreign-language.js';

describe('a question in a language that nothing is written in', () => {
  it.each([
    ['Wann wird mir das Geld für die Rücksendung wieder ausgezahlt?', ['en'], 'de'],
    ['¿Cuándo me devuelven el dinero de mi pedido?', ['en', 'de'], 'es'],
    ['Когда мне вернут деньги за заказ?', ['en'], 'ru'],
    ['返品の代金はいつ戻りますか？', ['en', 'de'], 'ja'],
    ['When will my money be returned to me?', ['de'], 'en'],
    ['When will my money be returned to me?', ['en'], null],
    ['Wann wird mir das Geld zurückgezahlt?', ['en', 'de'], null],
    ['E5 H2', ['de'], null],
    ['???', ['en'], null],
  ] as const)('%s', (question, expected, language) => {
    expect(foreignLanguage(question, expected)).toBe(language);
  });

  it('has a name that a model knows', () => {
    expect(['de', 'zh', 'tlh-x-!'].map(languageName)).toEqual(['German', 'Chinese', 'tlh-x-!']);
  });
});
