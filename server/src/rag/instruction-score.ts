import type { InstructionCueKind } from './instruction-cue.js';
import { INSTRUCTION_CUES } from './instruction-cues.js';
import { revealHiddenText } from './reveal-hidden-text.js';

/** From this score on a passage is taken for orders to a model. */
export const INSTRUCTION_LIMIT = 0.5;

/** Longer texts are looked at in pieces of this size; chunks are shorter. */
const PIECE_CHARACTERS = 20_000;
/** What was hidden was not meant for people. */
const HIDDEN_WEIGHT = 0.3;
/** "If you installed from source, ignore the previous instructions" is meant for people. */
const CONDITIONAL_SHARE = 0.55;
/** A text about such attacks quotes them. */
const QUOTED_SHARE = 0.35;
const CONTEXT_CHARACTERS = 80;

const CONDITION =
  /(?:^|[^\p{L}])(?:if|when|unless|in case|wenn|falls|sofern|si|cuando|quand|lorsque|se|quando|als|indien|wanneer|если|когда|إذا|यदि|अगर|如果|若|eğer)(?![\p{L}])[^.!?\n。！？।]*$/iu;
const QUOTE_BEFORE = /["“”„«»‘'`「『][^"“”„«»’`」』\n]*$/u;
const OPEN_FENCE = /(?:^|\n)\s*(?:`{3}|~{3})/gu;
const DISCUSSION =
  /prompt[- ]?injection|injection attack|jailbreak|attack|adversar|malicious|e\.g\.|for (?:example|instance)|such as|phrases?|red[- ]team|beispiel|angriff|angreifer|exemple|attaqu|ejemplo|ataque|esempio|attacco|exemplo|voorbeeld|aanval|например|атак|مثال|هجوم|उदाहरण|हमल|例如|比如|攻击|攻撃|例えば|örneğin|saldırı/iu;

/**
 * How much a text reads like orders to a model rather than like something to answer from, 0 to 1. Phrases that speak
 * to a model are looked for in 13 languages, also where they are hidden; each kind counts once, and together they
 * count as independent hints do (1 - Π(1 - weight)). No proof: orders in plain words that no phrase betrays score low.
 */
export function scoreInstructions(text: string): number {
  let best = 0;
  for (let start = 0; start < text.length; start += PIECE_CHARACTERS) {
    const piece = text.slice(start, start + PIECE_CHARACTERS);
    const seen = findCues(unwrap(piece.normalize('NFKC')));
    const revealed = revealHiddenText(piece);
    const hidden = revealed === null ? null : findCues(unwrap(revealed));
    const isHidden = hidden !== null && sum(hidden) > sum(seen);
    const weights = isHidden ? [...hidden.values(), HIDDEN_WEIGHT] : [...seen.values()];
    best = Math.max(best, together(weights));
  }
  return best;
}

function findCues(text: string): Map<InstructionCueKind, number> {
  const found = new Map<InstructionCueKind, number>();
  const isDiscussion = DISCUSSION.test(text);
  for (const { kind, weight, pattern } of INSTRUCTION_CUES) {
    if ((found.get(kind) ?? 0) >= weight) continue;
    for (const match of text.matchAll(pattern)) {
      const before = text.slice(Math.max(0, match.index - CONTEXT_CHARACTERS), match.index);
      const isQuoted = isDiscussion && (QUOTE_BEFORE.test(before) || isInFence(text, match.index));
      const isConditional = kind === 'override' && CONDITION.test(before);
      const counted = weight * (isQuoted ? QUOTED_SHARE : 1) * (isConditional ? CONDITIONAL_SHARE : 1);
      found.set(kind, Math.max(found.get(kind) ?? 0, counted));
    }
  }
  return found;
}

/** A line break inside a sentence hides no phrase. */
function unwrap(text: string): string {
  return text
    .replaceAll('’', "'")
    .replaceAll(/[^\S\n]+/gu, ' ')
    .replaceAll(/(?<=\p{L}) ?\n ?(?=\p{Ll})/gu, ' ')
    .toLowerCase();
}

function isInFence(text: string, offset: number): boolean {
  return (text.slice(0, offset).match(OPEN_FENCE)?.length ?? 0) % 2 === 1;
}

function sum(found: ReadonlyMap<InstructionCueKind, number>): number {
  let total = 0;
  for (const weight of found.values()) total += weight;
  return total;
}

function together(weights: readonly number[]): number {
  return 1 - weights.reduce((product, weight) => product * (1 - weight), 1);
}
