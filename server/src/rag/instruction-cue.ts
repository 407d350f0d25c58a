/** What a phrase does that speaks to a model. */
export type InstructionCueKind =
  | 'override'
  | 'address'
  | 'persona'
  | 'system_prompt'
  | 'concealment'
  | 'output_order'
  | 'leak'
  | 'role_markup'
  | 'hidden_text';

export interface InstructionCue {
  kind: InstructionCueKind;
  /** How much one such phrase says, 0 to 1. */
  weight: number;
  pattern: RegExp;
}

/** Within a sentence, and never far: what stands further apart is no phrase. */
export const GAP = '[^.!?\\n。！？؟।]{0,40}?';
const NOT_A_LETTER = '(?<![\\p{L}\\p{M}\\p{N}])';
/** "Do not ignore these instructions" says the opposite. */
const NOT_NEGATED =
  "(?<!(?:\\b(?:not|never|nie|niet|não|nao|non|no|nunca|jamais|mai|nooit)|n't|n’t|[nN]['’]|(?<![\\p{L}])не|(?<![\\p{L}])لا|不要|请勿|勿|切勿|不得|不可|别)\\s*)";
/** Where an English sentence gives an order: at its start, after punctuation, or after a word of asking. */
const ENGLISH_ORDER =
  '(?<=(?:^|[\\n.!?:;,"“”\'‘’(>*#\\]|_—–-])\\s*|\\b(?:please|now|and|then|must|should|shall|will|kindly|just|simply|also|you to|immediately)\\s+)';

/** Words that begin where no letter stands before them. */
export function wordStart(words: string): string {
  return `(?=${words})${NOT_A_LETTER}(?:${words})`;
}

/** An English verb that gives an order. What stands before it is looked at only where the verb is: that is the cheap way. */
export function order(verbs: string): string {
  return `\\b(?=${verbs})${ENGLISH_ORDER}(?:${verbs})`;
}

/** A verb that no word before it turns into its opposite. */
export function notNegated(verbs: string): string {
  return `(?=${verbs})${NOT_NEGATED}(?:${verbs})`;
}

export function cue(kind: InstructionCueKind, weight: number, source: string): InstructionCue {
  return { kind, weight, pattern: new RegExp(source, 'gu') };
}
