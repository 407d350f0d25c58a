import { codePointStart } from './code-points.js';

/** First and last code points of what no reader sees: controls, zero-width, direction, variation and tag characters. */
const INVISIBLE_RANGES: readonly [first: number, last: number][] = [
  [0x00, 0x08],
  [0x0b, 0x0c],
  [0x0e, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x202a, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xffff],
  [0x1bca0, 0x1bca3],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
];
const INVISIBLE = new RegExp(
  `[${INVISIBLE_RANGES.map((range) => range.map((code) => `\\u{${code.toString(16)}}`).join('-')).join('')}]`,
  'gu',
);
const LINE_BREAKS = /\r\n?|[\u0085\u2028\u2029]/gu;

/** What a template engine, a chat format or a prompt of ours would read as its own syntax, and what it becomes. */
const SYNTAX: readonly [pattern: RegExp, replacement: string][] = [
  [/`{3,}/gu, "'''"],
  [/~{3,}/gu, '~~'],
  [/\{(?=[{%#])/gu, '{ '],
  [/(?<=[}%#])\}/gu, ' }'],
  [/\$(?=\{)/gu, '$ '],
  [/<(?=[|%｜])/gu, '< '],
  [/(?<=[|%｜])>/gu, ' >'],
  [/<<(?=\/?\s*SYS\s*>>)/giu, '< <'],
  [/(?<=SYS\s*>)>/giu, ' >'],
  [/\[(\/?)\s*INST\s*\]/giu, '($1INST)'],
  [
    /<(?=\s*\/?\s*(?:sources?(?:_\w*)?|s|system|user|assistant|human|developer|instructions?|im_start|im_end|start_of_turn|end_of_turn|tool_call|tool_response|think)\b)/giu,
    '‹',
  ],
  // Turns of a conversation, as models without tags of their own write them.
  [/(?<=(?:^|\n\s*\n)(?:Human|Assistant|System|User)):/gu, ' :'],
  [/(?<=(?:^|\n)#{2,4} ?(?:System|Instructions?|Input|Response|Human|Assistant|User)):/gu, ' :'],
];

/**
 * Makes what a visitor typed or a document says harmless inside a prompt: what cannot be seen is removed, code
 * fences and template syntax no longer mean anything, and nothing closes the delimiters of `buildPrompt`.
 * Sanitizing twice changes nothing more. @param options `maxLength` in UTF-16 units.
 */
export function sanitizeForPrompt(text: string, { maxLength }: { maxLength: number }): string {
  // Bounded before the work too: what is removed cannot be more than what a long text would lose anyway.
  const bounded = text.slice(0, codePointStart(text, maxLength * 2));
  let clean = bounded.toWellFormed().replaceAll(LINE_BREAKS, '\n').replaceAll(INVISIBLE, '');
  for (const [pattern, replacement] of SYNTAX) clean = clean.replaceAll(pattern, replacement);
  return clean.length <= maxLength ? clean : clean.slice(0, codePointStart(clean, maxLength));
}
