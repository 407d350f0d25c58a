// Says which production dependency has a licence that is not on the list, and exits with 1.
// With a path as argument it also checks the CycloneDX document there: every such dependency must be in it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Permissive: they ask for their text to be kept, or for nothing. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-3.0',
  'CC-BY-4.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'MIT-CMU',
  'PostgreSQL',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);
/** Packages whose `license` field is no SPDX expression, with what their licence file says. */
const READ_BY_HAND = new Map([['duck', 'BSD-2-Clause']]);

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));

const packages = Object.entries(read('package-lock.json').packages)
  .filter(([path, entry]) => path.includes('node_modules/') && !entry.dev && !entry.link)
  .map(([path, entry]) => describePackage(path, entry));
const faults = packages
  .filter(({ licence }) => !isAllowed(licence))
  .map(({ name, version, licence }) => `${name}@${version}: ${licence}`);
const bill = process.argv[2];
if (bill !== undefined) faults.push(...missingIn(bill));

for (const fault of faults) console.error(fault);
if (packages.length < 50)
  console.error('hardly any dependency was found: is this the right package-lock.json?');
if (faults.length > 0 || packages.length < 50) process.exit(1);
const inBill = bill === undefined ? '' : `, all of them in ${bill}`;
console.log(`${packages.length} production dependencies with a permissive licence${inBill}`);

/** The package that is installed counts; what another platform would install is known from the lock file alone. */
function describePackage(path, entry) {
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const installed = readOrNull(`${path}/package.json`);
  const licence = installed?.license ?? installed?.licenses ?? entry.license ?? 'none named';
  const text = READ_BY_HAND.get(name) ?? (typeof licence === 'string' ? licence : JSON.stringify(licence));
  return { name, version: entry.version, licence: text, isOptional: entry.optional === true };
}

function readOrNull(path) {
  try {
    return read(path);
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Of `A OR B` one has to be allowed, of `A AND B` both. */
function isAllowed(expression) {
  const terms = expression.replace(/[()]/g, ' ').trim();
  return terms
    .split(/\s+OR\s+/)
    .some((part) => part.split(/\s+AND\s+/).every((term) => ALLOWED.has(term.trim())));
}

function missingIn(path) {
  const document = JSON.parse(readFileSync(path, 'utf8'));
  if (document.bomFormat !== 'CycloneDX') return [`${path} is no CycloneDX document`];
  const listed = new Set(
    (document.components ?? []).map(
      ({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`,
    ),
  );
  return packages
    .filter(({ name, version, isOptional }) => !isOptional && !listed.has(`${name}@${version}`))
    .map(({ name, version }) => `${name}@${version} is not in ${path}`);
}
