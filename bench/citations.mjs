// How far citations hold: true, changed and invented statements about passages of public collections, ten thousand
// answers of a model that lies, and what the built-in answer finds.
// node bench/citations.mjs [folder of collections in BEIR layout] [true|lies|front-door|extractive …], after `npm run build`.
import { existsSync } from 'node:fs';
import { readCollection, measureStatements } from './citations/statements.mjs';
import { measureLies } from './citations/lies.mjs';
import { measureFrontDoor } from './citations/front-door.mjs';
import { measureExtractive } from './citations/extractive.mjs';

const [folder = '../shared/data/ir', ...parts] = process.argv.slice(2);
const COLLECTIONS = [
  'squad2dev',
  ...['en', 'de', 'es', 'ru', 'ar', 'hi', 'th', 'vi', 'zh'].map((code) => `xquad-${code}`),
];
const wants = (part) => parts.length === 0 || parts.includes(part);

const collections = COLLECTIONS.filter((name) => existsSync(`${folder}/${name}`)).map((name) =>
  readCollection(folder, name),
);
if (collections.length === 0) {
  process.stderr.write(`No collections in ${folder}.\n`);
  process.exitCode = 1;
}
if (wants('true')) for (const collection of collections) measureStatements(collection);
if (wants('lies')) measureLies(collections);
if (wants('front-door')) await measureFrontDoor(collections);
if (wants('extractive')) for (const collection of collections) measureExtractive(collection);
