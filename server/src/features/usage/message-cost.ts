/** US dollars per million tokens, as the providers publish them for direct use (read in 2025). */
interface ModelPrice {
  input: number;
  output: number;
}

const PRICES: Record<string, ModelPrice> = {
  'gpt-5': { input: 1.25, output: 10 },
  'gpt-5-mini': { input: 0.25, output: 2 },
  'gpt-5-nano': { input: 0.05, output: 0.4 },
  'gpt-4.1': { input: 2, output: 8 },
  'gpt-4.1-mini': { input: 0.4, output: 1.6 },
  'gpt-4.1-nano': { input: 0.1, output: 0.4 },
  'gpt-4o': { input: 2.5, output: 10 },
  'gpt-4o-mini': { input: 0.15, output: 0.6 },
};

const TOKENS_PER_PRICE = 1_000_000;
/** Decimals that are stored: a billionth of a dollar, less than one token of the cheapest model. */
const DECIMALS = 9;

export const COST_CURRENCY = 'USD';

/** What the provider charges for a message, as a decimal string in `COST_CURRENCY`; `0` for a model without a price. */
export function messageCost(model: string, inputTokens: number, outputTokens: number): string {
  const price = PRICES[model];
  if (price === undefined) return '0';
  return ((inputTokens * price.input + outputTokens * price.output) / TOKENS_PER_PRICE).toFixed(DECIMALS);
}

/** The sum of decimal strings as `messageCost` gives them. */
export function sumCosts(costs: readonly string[]): string {
  const sum = costs.reduce((total, cost) => total + Number(cost), 0);
  return sum === 0 ? '0' : sum.toFixed(DECIMALS);
}
