/** US dollars per million tokens, as the provider publishes them for direct use (read in 2025). */
const PRICES: Record<string, number> = {
  'text-embedding-3-small': 0.02,
  'text-embedding-3-large': 0.13,
  'text-embedding-ada-002': 0.1,
};

const TOKENS_PER_PRICE = 1_000_000;

/** What the provider charges for embedding tokens, in US dollars; 0 for a model without a price. */
export function embeddingCost(model: string, tokens: number): number {
  return (tokens * (PRICES[model] ?? 0)) / TOKENS_PER_PRICE;
}
