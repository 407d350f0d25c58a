// nDCG@10 of plain BM25 that is known from elsewhere. A run does not measure it.

/** A prototype on the very same collections: k1 = 1.2, b = 0.75, stop words, stems or bigrams as the language has them. */
const PROTOTYPE = {
  cranfield: 0.531,
  squad2dev: 0.894,
  'xquad-ar': 0.94,
  'xquad-de': 0.942,
  'xquad-en': 0.968,
  'xquad-es': 0.964,
  'xquad-hi': 0.948,
  'xquad-ru': 0.954,
  'xquad-th': 0.965,
  'xquad-vi': 0.959,
  'xquad-zh': 0.966,
};
/** Anserini's regression of BEIR, flat. Nobody has published one for the collections above. */
const PUBLISHED = { scifact: 0.6789 };

/** As one cell: p for published, m for measured with a prototype. */
export function knownBm25(name) {
  if (Object.hasOwn(PUBLISHED, name)) return `${PUBLISHED[name].toFixed(3)} p`;
  return Object.hasOwn(PROTOTYPE, name) ? `${PROTOTYPE[name].toFixed(3)} m` : 'none';
}
