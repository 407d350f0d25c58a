import { expect, it } from 'vitest';
import { normalAmount } from './normal-amount.js';

it.each([
  ['5', '5.00'],
  ['5.000000000', '5.00'],
  ['0.500000000', '0.50'],
  ['0.000000001', '0.000000001'],
  ['1200.100', '1200.10'],
  ['007.1', '7.10'],
  ['-5.50', '-5.50'],
])('shows %s as %s', (decimal, shown) => {
  expect(normalAmount(decimal)).toBe(shown);
});
