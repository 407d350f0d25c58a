import { describe, expect, it } from 'vitest';
import { comparableQuestion } from './comparable-question.js';

describe('comparableQuestion', () => {
  it.each([
    ['What is the  refund policy?', 'what is the refund policy'],
    ['¿Cuál es el horario?', 'cuál es el horario'],
    ['Hello, what’s new?!', "hello what's new"],
    ['  退款政策是什么？ ', '退款政策是什么'],
  ])('%j', (question, comparable) => {
    expect(comparableQuestion(question)).toBe(comparable);
  });

  it.each([
    ['Do you teach C#?', 'Do you teach C++?'],
    ['Is it 1.5?', 'Is it 15?'],
    ['May I come in?', 'May I not come in?'],
  ])('keeps %j and %j apart', (a, b) => {
    expect(comparableQuestion(a)).not.toBe(comparableQuestion(b));
  });
});
