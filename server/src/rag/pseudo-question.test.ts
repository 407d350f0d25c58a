import { describe, expect, it } from 'vitest';
import { pseudoQuestion } from './pseudo-question.js';

describe('pseudoQuestion', () => {
  it.each([
    [
      'en',
      'Hi. The shop sells very old grinders of the best kind to people from Oslo. Bye.',
      'sells old grinders best kind people',
    ],
    ['de', 'Der Laden verkauft alte Mühlen.', 'Laden verkauft alte Mühlen'],
    ['zh', '退款需要五个工作日，款项会退回到您使用的卡上。', '个工作日，款项会退回到您'],
    ['en', '- Yes\n- No', null],
    ['en', '', null],
  ])('makes the words of one sentence a question: %s', (language, text, question) => {
    expect(pseudoQuestion(text, language)).toBe(question);
    expect(pseudoQuestion(text, language)).toBe(question);
  });
});
