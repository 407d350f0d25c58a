import { detectLanguage } from './analyzer/detect-language.js';
import {
  type Claim,
  type Evidence,
  type EvidencePassage,
  prepareClaim,
  prepareEvidence,
  termWeights,
} from './evidence.js';
import { type Located, locateClaim } from './locate-claim.js';
import { locateTranslation } from './locate-translation.js';

export interface Grounding {
  /** Where passage `number` says what a claim says; null: nowhere. `context`: the answer around it. */
  locate: (claim: string, number: number, context: string) => Located | null;
  /** The best place in any passage. */
  locateAnywhere: (claim: string, context: string) => Located | null;
  /** Whether a text says anything that could be looked for. */
  says: (claim: string) => boolean;
}

/** Compares statements with the passages that were shown. Passages are analysed when the first is asked for. */
export function createGrounding(passages: readonly EvidencePassage[], language: string): Grounding {
  let prepared: { evidence: Map<number, Evidence>; weightOf: (term: string) => number } | null = null;
  const claims = new Map<string, Claim>();

  const prepare = () => {
    if (prepared !== null) return prepared;
    const evidence = passages.map((passage) => prepareEvidence(passage, language));
    const weightOf = termWeights(evidence);
    prepared = { evidence: new Map(evidence.map((item) => [item.number, item])), weightOf };
    return prepared;
  };
  const claimOf = (text: string, claimLanguage: string): Claim => {
    const key = `${claimLanguage} ${text}`;
    let claim = claims.get(key);
    if (claim === undefined) {
      claim = prepareClaim(text, claimLanguage);
      claims.set(key, claim);
    }
    return claim;
  };

  const locate: Grounding['locate'] = (text, number, context) => {
    const { evidence, weightOf } = prepare();
    const passage = evidence.get(number);
    if (passage === undefined) return null;
    const found = locateClaim(claimOf(text, passage.language), passage, weightOf);
    if (found !== null) return found;
    const spoken = detectLanguage(context);
    const isOther = spoken !== passage.language && spoken !== 'und' && passage.language !== 'und';
    return isOther
      ? locateTranslation(prepareClaim(text, passage.language, spoken), passage, weightOf)
      : null;
  };

  return {
    locate,
    locateAnywhere: (text, context) => {
      let best: Located | null = null;
      for (const { number } of passages) {
        const found = locate(text, number, context);
        if (found === null) continue;
        if (best === null || (best.support !== 'located' && found.support === 'located')) best = found;
        if (best.support === 'located') break;
      }
      return best;
    },
    says: (text) => {
      const claim = claimOf(text, language);
      return claim.terms.size > 0 || claim.figures.length > 0;
    },
  };
}
