import type { Context } from '#platform/context.js';

/** Counts what a stored answer took, for the operator; what its owner sees and pays is read from the rows. */
export function meterAnswer(
  { metrics }: Pick<Context, 'metrics'>,
  answer: {
    tier: 'mini' | 'premium';
    model: string | null;
    inputTokens: number;
    outputTokens: number;
    cost: string;
  },
): void {
  if (answer.model === null) return;
  const { tier } = answer;
  const model = metrics.modelLabel(answer.model);
  metrics.modelTokens.inc({ model, tier, direction: 'input' }, answer.inputTokens);
  metrics.modelTokens.inc({ model, tier, direction: 'output' }, answer.outputTokens);
  metrics.modelCost.inc({ model }, Number(answer.cost));
}
