import { describe, expect, it } from 'vitest';
import { analyzeQueryWords } from './analyzer/analyze.js';
import { normalizeQuery } from './normalize-query.js';

const normal = (query: string) => normalizeQuery(query, null);

describe('normalizeQuery', () => {
  it.each([
    ['How long is the warranty?', 'how long is the warranty'],
    ['  HOW LONG\tis  the\u00a0warranty ?!… ', 'how long is the warranty'],
    ['¿Cuánto cuesta el envío?', 'cuánto cuesta el envío'],
    ['Cua\u0301nto cuesta el envi\u0301o', 'cuánto cuesta el envío'],
    ['Ｈ２ ｇｒｉｎｄｅｒ', 'h2 grinder'],
    ['What’s the “refund” period – 5–7 days?', 'what\'s the "refund" period - 5-7 days'],
    ['it´s mine', "it's mine"],
    ['ware\u00adhouse\u200b', 'warehouse'],
    ['包裹什么时候送达？', '包裹什么时候送达'],
    ['ΣΟΦΟΣ', 'σοφος'],
    ['KARGO NE KADAR? İade', 'kargo ne kadar? iade'],
    ['SATIŞ NEDİR', 'satış nedir'],
    ['???', '???'],
    ['   ', ''],
  ])('makes %j one spelling: %j', (query, expected) => {
    expect(normal(query)).toBe(expected);
    expect(normal(expected)).toBe(expected);
  });

  it('reads a capital I by the language of the project', () => {
    expect(normalizeQuery('ISPARTA', 'tr')).toBe('ısparta');
    expect(normalizeQuery('ISPARTA', null)).toBe('isparta');
  });

  it.each([
    ['is it waterproof', 'is it not waterproof'],
    ['does it work', "doesn't it work"],
    ['model 10', 'model 100'],
    ['10² grams', '102 grams'],
    ['nº 5', 'no 5'],
    ['"hand grinder"', 'hand grinder'],
    ['what is C', 'what is C#'],
    ['what is C', 'what is C++'],
    ['temperature 5', 'temperature -5'],
    ['discount 5', 'discount 5 %'],
    ['grinder -electric', 'grinder electric'],
    ['1.5 kg', '15 kg'],
    ['f(x)', 'f x'],
    ['JavaScript', 'Java Script'],
    ['the us office', 'the uk office'],
    ['naïve', 'naive'],
  ])('keeps %j and %j apart', (one, other) => {
    expect(normal(one)).not.toBe(normal(other));
  });

  it.each([
    ['Where does getUserName of UserService live?', 'en'],
    ['Is the H2O-filter of the McGrind 4K covered?', 'en'],
    ["Qu'est-ce que l'Assurance GARANTIT ?", 'fr'],
    ['WIE LANGE GILT DIE GEWÄHRLEISTUNG', 'de'],
    ['snake_case and a.B.c and PDFs', 'en'],
    ['AĞIZLIK KIRILDI MI', 'tr'],
    ['Сколько стоит ДОСТАВКА?', 'ru'],
  ])('leaves the index terms of %j as they are', (query, language) => {
    expect(analyzeQueryWords(normalizeQuery(query, language), [language])).toEqual(
      analyzeQueryWords(query, [language]),
    );
  });
});
