// Checks the imports against the DAG, and that the checker has read the code at all: a parser that reads nothing
// finds no violations.
// The parser that dependency-cruiser looks for by itself: without it nothing would be read.
import '@swc/core';
import { cruise } from 'dependency-cruiser';
import { createRequire } from 'node:module';

const MODULES_AT_LEAST = 150;

const { forbidden, options } = createRequire(import.meta.url)('../.dependency-cruiser.cjs');
const { output } = await cruise(['server/src'], { ...options, ruleSet: { forbidden }, validate: true });
const own = output.modules.filter(({ source }) => source.startsWith('server/src/'));
const internalImports = own.flatMap((module) =>
  module.dependencies.filter((to) => to.resolved.startsWith('server/src/')),
);
const unresolved = own.flatMap((module) =>
  module.dependencies.filter((to) => to.couldNotResolve).map((to) => `${module.source} → ${to.module}`),
);

for (const { rule, from, to } of output.summary.violations) console.error(`${rule.name}: ${from} → ${to}`);
for (const missing of unresolved) console.error(`could not resolve: ${missing}`);
console.log(
  `${own.length} modules cruised, ${internalImports.length} imports between them, ${output.summary.error} violations`,
);
if (own.length < MODULES_AT_LEAST || internalImports.length < own.length) {
  console.error(
    `fewer than ${MODULES_AT_LEAST} modules, or hardly an import between them: the checker does not read the code`,
  );
  process.exit(1);
}
process.exit(output.summary.error + unresolved.length > 0 ? 1 : 0);
