import { expect, it } from 'vitest';
import { csvLine } from './csv-line.js';

it('quotes what would end a cell or a line, and nothing else', () => {
  expect(csvLine(['a', 'b, c', 'say "no"', 'one\ntwo', null, 'ü'])).toBe(
    'a,"b, c","say ""no""","one\ntwo",,ü\r\n',
  );
});

it.each([
  ['=1+1', "'=1+1\r\n"],
  ['+4930123456', "'+4930123456\r\n"],
  ['-1', "'-1\r\n"],
  ['@SUM(A1)', "'@SUM(A1)\r\n"],
  ['\t=1', "'\t=1\r\n"],
  ['\r=1', '"\'\r=1"\r\n'],
  ['＝1+1', "'＝1+1\r\n"],
  ['=HYPERLINK("x","y")', '"\'=HYPERLINK(""x"",""y"")"\r\n'],
  ['a=1', 'a=1\r\n'],
])('makes %j safe', (cell, line) => {
  expect(csvLine([cell])).toBe(line);
});
