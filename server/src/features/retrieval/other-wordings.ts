import type { Context } from '#platform/context.js';
import type { ProjectScope } from '#platform/scope.js';
import { readInProject } from '#platform/transaction.js';
import { foreignLanguage } from '#rag/foreign-language.js';
import {
  type TaskPrompt,
  imaginedAnswerPrompt,
  readImagined,
  readLines,
  translationPrompt,
  wordingsPrompt,
} from '#rag/understanding-prompts.js';
import { type ModelCall, type ThinkingTime, askModel } from './ask-model.js';
import { listLanguages } from './retrieval.queries.js';
import type { Search } from './search-key.js';

/** Something else to search for than the question as it was asked. */
export interface Wording {
  kind: 'translation' | 'wording' | 'imagined_answer';
  text: string;
  /** How much what it finds counts. */
  weight: number;
}

export interface OtherWordings {
  wordings: Wording[];
  calls: ModelCall[];
  /** What the project wants and was not done. */
  skipped: { step: ModelCall['step']; reason: 'no_model' | 'no_embedding_model' }[];
}

/** A translation says what the question says; what a model makes up besides counts a little less. */
const TRANSLATION_WEIGHT = 1;
const WORDING_WEIGHT = 0.9;
const MOST_LANGUAGES = 2;
/** Who finds this much by the question's own words has asked in a language of the sources. */
const KNOWN_WORDS_SCORE = 0.6;

/**
 * Lets a model put a question into other words or languages, as the project wants it. Whatever fails is told in
 * `calls`, and the question is searched for as it is.
 * @param found.bestWordScore the best normalised keyword score of the question itself
 */
export async function writeOtherWordings(
  ctx: Pick<Context, 'db' | 'chatModel' | 'embedder' | 'log'>,
  scope: ProjectScope,
  { search, bestWordScore }: { search: Search; bestWordScore: number },
  thinking: ThinkingTime,
  signal: AbortSignal,
): Promise<OtherWordings> {
  const { query, model, options } = search;
  const done: OtherWordings = { wordings: [], calls: [], skipped: [] };
  const skip = (step: ModelCall['step'], reason: 'no_model' | 'no_embedding_model') =>
    void done.skipped.push({ step, reason });
  const tasks: Promise<void>[] = [];
  const task = (step: ModelCall['step'], prompt: TaskPrompt, read: (reply: string) => Wording[]) => {
    if (model === null) {
      skip(step, 'no_model');
      return;
    }
    const run = async () => {
      const { text, call } = await askModel(ctx, { step, model, ...prompt }, thinking, signal);
      done.calls.push(call);
      if (text !== null) done.wordings.push(...read(text));
    };
    tasks.push(run());
  };
  const isTranslated = options.translate === 'auto' && model !== null && bestWordScore < KNOWN_WORDS_SCORE;
  const languages = isTranslated ? await languagesToAskIn(ctx, scope, query) : [];
  if (languages.length > 0) {
    task('translation', translationPrompt(query, languages), (reply) =>
      readLines(reply, languages.length).map((text) => ({
        kind: 'translation',
        text,
        weight: TRANSLATION_WEIGHT,
      })),
    );
  }
  if (options.expansion === 'multi_query') {
    task('wordings', wordingsPrompt(query), (reply) =>
      readLines(reply).map((text) => ({ kind: 'wording', text, weight: WORDING_WEIGHT })),
    );
  }
  if (options.expansion === 'hyde' && ctx.embedder === null) skip('imagined_answer', 'no_embedding_model');
  else if (options.expansion === 'hyde') {
    task('imagined_answer', imaginedAnswerPrompt(query), (reply) => [
      { kind: 'imagined_answer', text: readImagined(reply), weight: WORDING_WEIGHT },
    ]);
  }
  await Promise.all(tasks);
  return done;
}

/** The project's main languages, where the question is in none of its languages; else none. */
async function languagesToAskIn(
  ctx: Pick<Context, 'db'>,
  scope: ProjectScope,
  query: string,
): Promise<string[]> {
  const languages = (await readInProject(ctx, scope, (tx) => listLanguages(tx.db, scope))).filter(
    (language) => language !== 'und',
  );
  const isForeign = languages.length > 0 && foreignLanguage(query, languages) !== null;
  return isForeign ? languages.slice(0, MOST_LANGUAGES) : [];
}
