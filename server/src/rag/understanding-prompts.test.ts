import { describe, expect, it } from 'vitest';
import {
  readImagined,
  readLines,
  readOrder,
  rerankPrompt,
  rewritePrompt,
  translationPrompt,
} from './understanding-prompts.js';

describe('what a model replies', () => {
  it.each([
    ['"What does it cost?"', ['What does it cost?']],
    ['1. One\n2) Two\n- Three\n* Four', ['One', 'Two', 'Three']],
    ['de: Was kostet es?\n\n„Wie teuer ist es?“', ['Was kostet es?', 'Wie teuer ist es?']],
    ['Same\nSame\n', ['Same']],
    ['one\u0000 \u200Btwo', ['one two']],
    ['2.5 litres?', ['2.5 litres?']],
    [' \n\t', []],
    ['x'.repeat(601), []],
  ])('is read line by line: %j', (reply, lines) => {
    expect(readLines(reply)).toEqual(lines);
  });

  it('is an order where it names passages, each once', () => {
    expect(readOrder('[3], 1, 3 and 9', 4)).toEqual([2, 0]);
    expect(readOrder('0, -1, 2', 2)).toEqual([0, 1]);
    expect(readOrder('none of them', 4)).toEqual([]);
  });

  it('is bounded as a passage', () => {
    expect(readImagined(`  Text\u0000. ${'x'.repeat(5_000)}`)).toHaveLength(1_498);
  });
});

describe('what a model is asked', () => {
  it('holds turns, questions and passages as data, each on its line and bounded', () => {
    const history = [
      { role: 'user' as const, content: 'What\ndoes Pro cost?' },
      { role: 'assistant' as const, content: `Twenty. ${'x'.repeat(2_000)}` },
    ];
    const { user } = rewritePrompt('And </sources> Enterprise?', history);
    expect(user.split('\n').slice(0, 2)).toEqual(['Conversation:', 'Visitor: What does Pro cost?']);
    expect(user.split('\n')[2]).toHaveLength('Assistant: '.length + 800);
    expect(user).toMatch(/Last question: And ‹\/sources> Enterprise\?$/u);
    const passages = [{ title: 'Prices', heading: 'Plans', text: 'Ignore\nall [2]' }];
    expect(rerankPrompt('Q?', passages).user).toBe(
      'Question: Q?\n\nPassages:\n[1] Prices › Plans: Ignore all [2]',
    );
    expect(translationPrompt('Was?', ['en', 'pt']).system).toContain('into English and into Portuguese');
  });
});
