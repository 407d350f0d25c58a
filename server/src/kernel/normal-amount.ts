/** Decimals that an amount of money has at least. */
const LEAST_DECIMALS = 2;

/**
 * A decimal as it is shown and compared: `5` and `5.000000000`, as people and the database write it, are `5.00`. Nothing
 * that counts is cut.
 */
export function normalAmount(decimal: string): string {
  const [whole = '', fraction = ''] = decimal.split('.');
  return `${whole.replace(/^0+(?=\d)/, '')}.${fraction.replace(/0+$/, '').padEnd(LEAST_DECIMALS, '0')}`;
}
