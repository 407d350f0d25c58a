/** The DAG of ARCHITECTURE.md, at error level. Read "X must not import Y" as: from X, to Y is forbidden. */

/** Features from left to right: each may import only from those before it. Its routes and hooks are exempt. */
const FEATURES = [
  ['audit'],
  ['usage'],
  ['projects'],
  ['api-keys'],
  ['auth', 'documents', 'members', 'search-index'],
  ['ingestion'],
  ['sources'],
  ['retrieval'],
  ['chat'],
  ['billing', 'evaluation', 'leads'],
  ['data-rights'],
  ['admin'],
];

const SRC = 'server/src';
const HTTP_LAYER = '\\.(routes|hooks)\\.ts$';
const TESTS = '\\.test\\.ts$';

const forbid = (name, from, to) => ({ name, severity: 'error', from, to });
const room = (names) => `^${SRC}/(${names})(/|\\.ts$)`;

const featureOrder = FEATURES.slice(0, -1).map((group, index) =>
  forbid(
    `features-${group.join('-')}-import-from-the-left-only`,
    { path: `^${SRC}/features/(${group.join('|')})/`, pathNot: [HTTP_LAYER, TESTS] },
    {
      path: `^${SRC}/features/(${FEATURES.slice(index + 1)
        .flat()
        .join('|')})/`,
    },
  ),
);

/** Features of one rank do not know each other. */
const featureRanks = FEATURES.filter((group) => group.length > 1).flatMap((group) =>
  group.map((name) =>
    forbid(
      `feature-${name}-does-not-know-its-neighbours`,
      { path: `^${SRC}/features/${name}/`, pathNot: [HTTP_LAYER, TESTS] },
      { path: `^${SRC}/features/(${group.filter((other) => other !== name).join('|')})/` },
    ),
  ),
);

module.exports = {
  forbidden: [
    forbid('no-cycles', {}, { circular: true }),
    forbid(
      'kernel-needs-nothing',
      { path: room('kernel') },
      { path: room('db|platform|rag|providers|features|app|main') },
    ),
    forbid(
      'db-knows-kernel',
      { path: room('db') },
      { path: room('platform|rag|providers|features|app|main') },
    ),
    forbid(
      'rag-is-pure',
      { path: room('rag'), pathNot: TESTS },
      { path: room('db|platform|providers|features|app|main') },
    ),
    forbid('rag-has-no-io', { path: room('rag'), pathNot: TESTS }, { dependencyTypes: ['core'] }),
    forbid(
      'platform-knows-db-and-kernel',
      { path: room('platform') },
      { path: room('rag|providers|features|app|main') },
    ),
    forbid(
      'providers-know-ports-and-rag',
      { path: room('providers') },
      { path: room('db|features|app|main') },
    ),
    forbid(
      'features-know-no-providers',
      { path: room('features'), pathNot: TESTS },
      { path: room('providers|app|main') },
    ),
    forbid(
      'nothing-imports-app',
      { path: room('db|platform|rag|providers|features'), pathNot: TESTS },
      { path: room('app|main') },
    ),
    forbid('nothing-imports-main', { path: `^${SRC}/` }, { path: `^${SRC}/main\\.ts$` }),
    forbid(
      'src-never-imports-tests',
      { path: `^${SRC}/`, pathNot: TESTS },
      { path: '^server/test/|\\.test\\.ts$' },
    ),
    ...featureOrder,
    ...featureRanks,
    forbid(
      'queries-are-private',
      { path: `^${SRC}/features/([^/]+)/`, pathNot: TESTS },
      { path: `^${SRC}/features/[^/]+/[^/]+\\.queries\\.ts$`, pathNot: `^${SRC}/features/$1/` },
    ),
    forbid(
      'routes-are-for-app',
      { path: `^${SRC}/features/([^/]+)/`, pathNot: TESTS },
      { path: `^${SRC}/features/[^/]+/[^/]+\\.routes\\.ts$`, pathNot: `^${SRC}/features/$1/` },
    ),
    forbid(
      'verbs-and-queries-do-not-know-routes',
      { path: `^${SRC}/features/`, pathNot: [HTTP_LAYER, TESTS] },
      { path: `^${SRC}/features/.*${HTTP_LAYER}` },
    ),
    forbid(
      'queries-know-no-verbs',
      { path: `^${SRC}/features/([^/]+)/[^/]+\\.queries\\.ts$` },
      { path: `^${SRC}/features/` },
    ),
    forbid(
      'schemas-and-jobs-are-leaves',
      { path: `^${SRC}/features/[^/]+/[^/]+\\.schemas\\.ts$` },
      { path: `^${SRC}/features/` },
    ),
    forbid(
      'only-the-http-layer-knows-the-framework',
      { path: `^${SRC}/`, pathNot: [`^${SRC}/app/`, `^${SRC}/platform/http/`, HTTP_LAYER, TESTS] },
      { path: 'node_modules/(fastify|@fastify/|fastify-type-provider-zod)' },
    ),
    forbid('no-orphans', { orphan: true, pathNot: ['\\.d\\.ts$', TESTS, `^${SRC}/main\\.ts$`] }, {}),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.test\\.ts$|^server/dist' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['botbase-source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js'],
      extensionAlias: { '.js': ['.ts', '.js'] },
    },
  },
};
