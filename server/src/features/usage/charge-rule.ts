import type { ChargeReason, Refusal } from '#db/schema/conversations.js';

export interface Charge {
  charged: boolean;
  reason: ChargeReason;
}

interface AnswerEnd {
  status: 'streaming' | 'complete' | 'incomplete' | 'failed';
  content?: string | undefined;
  refusal?: Refusal | null | undefined;
  model?: string | null | undefined;
}

export const BUILTIN_MODEL = 'builtin';

/**
 * The rule of what an answer costs. One message is charged for an answer that a model wrote and of which there is text,
 * whole or cut short. Nothing is charged for a refusal, a failure, an answer that was stopped before its first word, and
 * one that the built-in model gave.
 * @param reserved where its place was reserved; null: nowhere, as no model that costs anything was to be asked
 */
export function decideCharge(end: AnswerEnd, reserved: 'plan' | 'credits' | null): Charge {
  if (reserved === null || end.model === BUILTIN_MODEL) return { charged: false, reason: 'builtin_model' };
  if (end.status === 'failed' || end.status === 'streaming') return { charged: false, reason: 'failed' };
  if (end.refusal != null) return { charged: false, reason: 'refused' };
  if ((end.content ?? '') === '') return { charged: false, reason: 'stopped_before_text' };
  return { charged: true, reason: reserved === 'plan' ? 'plan_allowance' : 'add_on_credit' };
}
