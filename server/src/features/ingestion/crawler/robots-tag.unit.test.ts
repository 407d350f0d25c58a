import { expect, it } from 'vitest';
import { readRobotsTags } from './robots-tag.js';

it.each([
  [['noindex'], true, false],
  [['nofollow, noarchive'], false, true],
  [['none'], true, true],
  [['NOINDEX , nofollow'], true, true],
  [['otherbot: noindex'], false, false],
  [['botbase: noindex'], true, false],
  [['Botbase: nofollow', 'otherbot: noindex'], false, true],
  [['unavailable_after: 25 Jun 2010 15:00:00 PST'], false, false],
  [['max-snippet: 20, noindex'], true, false],
  [[], false, false],
])('%j', (values, isNoindex, isNofollow) => {
  expect(readRobotsTags(values)).toEqual({ isNoindex, isNofollow });
});
