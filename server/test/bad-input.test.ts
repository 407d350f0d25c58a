import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiRoute, fieldsOf, listApiRoutes, pathOf, sampleOf } from './api-routes.js';
import {
  NOBODYS_ID,
  badBodies,
  badContentTypes,
  badIds,
  badPathParts,
  badQueryValues,
  badValuesOf,
  withField,
} from './bad-values.js';
import { type TestApp, createTestApp } from './create-test-app.js';
import { corpusOrNull, readTarball } from './read-corpus.js';
import { type RawReply, type Sent, countStored, faultOf, send } from './refusals.js';

let app: TestApp;
let token: string;
let routes: ApiRoute[];
/** What stands in paths where a test is about something else: all of it exists. */
let known: Record<string, string>;

const JSON_TYPE = { 'content-type': 'application/json' };

beforeAll(async () => {
  app = await createTestApp();
  routes = await listApiRoutes(app.server);
  token = (await app.register()).token;
  known = await fillProject();
});
afterAll(() => app.close());

async function fillProject(): Promise<Record<string, string>> {
  const projectId = await app.createProject(token);
  const text = 'The office opens at nine in the morning.';
  const source = await app.addSource(token, projectId, { type: 'text', name: 'Hours', text });
  const base = `/v1/projects/${projectId}`;
  const documents = await app.request('GET', `${base}/documents`, { token });
  const chat = await app.request('POST', `${base}/chat`, { token, body: { message: 'When does the office open?' } });
  return {
    projectId,
    sourceId: source.id,
    documentId: documents.body.data[0].id,
    conversationId: chat.body.conversationId,
    messageId: chat.body.message.id,
  };
}

/** Sends all and collects what is wrong: each must be refused, nothing written, and the server live on. */
async function faultsOf(requests: [string, Sent][], check: (reply: RawReply) => string | null = faultOf): Promise<string[]> {
  const before = await countStored(app);
  const faults: string[] = [];
  for (const [what, request] of requests) {
    const headers = { authorization: `Bearer ${token}`, ...request.headers };
    const fault = check(await send(app, { ...request, headers }));
    if (fault !== null) faults.push(`${what}: ${fault}`);
  }
  const after = await countStored(app);
  for (const [name, count] of Object.entries(after)) {
    if (count !== before[name]) faults.push(`${name}: ${String(before[name])} before, ${count} after`);
  }
  const health = await send(app, { method: 'GET', url: '/health/live' });
  if (health.status !== 200) faults.push('the server is dead');
  return faults;
}

/** For requests that may be fine: anything but a failure of the server, and problems in their form. */
function faultUnlessFine(reply: RawReply): string | null {
  return reply.status >= 200 && reply.status < 300 ? null : faultOf(reply);
}

const label = (value: unknown) => JSON.stringify(value)?.slice(0, 60) ?? '';

describe('bodies', () => {
  it('finds the routes, and makes a body that each takes', async () => {
    expect(routes.length).toBeGreaterThan(25);
    const scratch = { ...known, projectId: await app.createProject(token) };
    const faults: string[] = [];
    for (const route of routes) {
      for (const schema of route.bodies) {
        const payload = JSON.stringify(sampleOf(schema, '', true));
        const headers = { ...JSON_TYPE, authorization: `Bearer ${token}` };
        const reply = await send(app, { method: route.method, url: pathOf(route, scratch), headers, payload });
        if ([400, 415, 422, 500].includes(reply.status)) faults.push(`${route.name} ${payload}: ${reply.text}`);
      }
    }
    expect(faults).toEqual([]);
  });

  it('are refused everywhere where they are none, or are not of the route', async () => {
    const faults: string[] = [];
    for (const route of routes.filter(({ bodies }) => bodies.length > 0)) {
      const { method } = route;
      const url = pathOf(route, known);
      const requests = badBodies.map(([what, payload]): [string, Sent] => [
        `${route.name} with ${what}`,
        { method, url, headers: JSON_TYPE, payload },
      ]);
      if (!route.isBodyOptional) {
        requests.push([`${route.name} with null`, { method, url, headers: JSON_TYPE, payload: 'null' }]);
        requests.push([`${route.name} with {}`, { method, url, headers: JSON_TYPE, payload: '{}' }]);
        requests.push([`${route.name} without a body`, { method, url }]);
      }
      faults.push(...(await faultsOf(requests)));
    }
    expect(faults).toEqual([]);
  });

  it('are refused by routes that take none, where they cannot be read', async () => {
    const faults: string[] = [];
    for (const route of routes.filter(({ bodies, method }) => bodies.length === 0 && method !== 'GET')) {
      const { method } = route;
      const url = pathOf(route, known);
      const requests = ['{"a":', 'NaN', '{"__proto__":{}}', 'x'.repeat(11 * 1024 * 1024)].map(
        (payload): [string, Sent] => [`${route.name} with ${payload.slice(0, 20)}`, { method, url, headers: JSON_TYPE, payload }],
      );
      faults.push(...(await faultsOf(requests)));
    }
    expect(faults).toEqual([]);
  });

  it('are refused with 415, or as unreadable, in any other Content-Type', async () => {
    const faults: string[] = [];
    for (const route of routes.filter(({ bodies }) => bodies.length > 0)) {
      const payload = JSON.stringify(sampleOf(route.bodies[0] ?? {}));
      const requests = badContentTypes.map((headers): [string, Sent] => [
        `${route.name} as ${label(headers['content-type'])}`,
        { method: route.method, url: pathOf(route, known), headers, payload },
      ]);
      faults.push(
        ...(await faultsOf(requests, (reply) => {
          if (reply.status !== 415 && reply.status !== 400) return `answered ${reply.status}, not 415`;
          return faultOf(reply);
        })),
      );
    }
    expect(faults).toEqual([]);
  });

  it('are refused for one bad value in any field', async () => {
    const faults: string[] = [];
    for (const route of routes) {
      for (const schema of route.bodies) {
        const sample = sampleOf(schema, '', true);
        const requests = fieldsOf(schema).flatMap(({ path, schema: field, isRequired }) =>
          badValuesOf(field, isRequired).map((value): [string, Sent] => {
            const payload = withField(sample, path, value);
            const what = `${route.name} ${path.join('.')} = ${label(value)}`;
            return [what, { method: route.method, url: pathOf(route, known), headers: JSON_TYPE, payload }];
          }),
        );
        requests.push([
          `${route.name} with an unknown field`,
          {
            method: route.method,
            url: pathOf(route, known),
            headers: JSON_TYPE,
            payload: withField(sample, ['ownerId'], NOBODYS_ID),
          },
        ]);
        faults.push(...(await faultsOf(requests)));
      }
    }
    expect(faults).toEqual([]);
  });

  it.runIf(corpusOrNull('json/json.tar.gz'))('of a JSON test suite are told apart by their syntax', async () => {
    const files = readTarball(corpusOrNull('json/json.tar.gz') ?? '');
    expect(files.size).toBeGreaterThan(300);
    const requests = [...files].map(([name, payload]): [string, Sent] => [
      name,
      { method: 'POST', url: '/v1/auth/login', headers: JSON_TYPE, payload },
    ]);
    const faults = await faultsOf(requests);
    for (const [name, request] of requests.filter(([file]) => !file.startsWith('i_'))) {
      const { code } = JSON.parse((await send(app, request)).text) as { code: string };
      const isRead = code === 'validation_failed';
      if (isRead !== name.startsWith('y_')) faults.push(`${name}: ${code}`);
    }
    expect(faults).toEqual([]);
  });
});

describe('paths and queries', () => {
  it('with a malformed or unknown id are not_found', async () => {
    const faults: string[] = [];
    for (const route of routes) {
      const body = route.bodies[0] === undefined ? {} : { headers: JSON_TYPE, payload: JSON.stringify(sampleOf(route.bodies[0], '', true)) };
      const with_ = (name: string, value: string): [string, Sent] => [
        `${route.name} ${name}=${value.slice(0, 50)}`,
        { method: route.method, url: pathOf(route, { ...known, [name]: value }), ...body },
      ];
      const ids = route.pathParameters.flatMap((name) => badIds.map((value) => with_(name, value)));
      const parts = route.pathParameters.flatMap((name) => badPathParts.map((value) => with_(name, value)));
      faults.push(
        ...(await faultsOf(ids, (reply) => faultOf(reply) ?? (reply.status === 404 ? null : `is ${reply.status}, not 404`))),
        ...(await faultsOf(parts)),
      );
    }
    expect(faults).toEqual([]);
  });

  it('with a malformed query are validation_failed', async () => {
    const faults: string[] = [];
    for (const route of routes) {
      const requests = route.queryParameters.flatMap((name) => {
        const values = badQueryValues[name];
        if (values === undefined) throw new Error(`${route.name}: this test has no bad values for ?${name}= yet`);
        return values.map((value): [string, Sent] => [
          `${route.name} ?${name}=${value.slice(0, 50)}`,
          { method: route.method, url: `${pathOf(route, known)}?${name}=${value}` },
        ]);
      });
      faults.push(...(await faultsOf(requests)));
    }
    expect(faults).toEqual([]);
  });

  it('that no route has are not_found, and methods that it has not are 405 with the ones that it has', async () => {
    const faults = await faultsOf(
      ['/v1', '/v1/', '/v2/projects', '/v1/nothing', '/v1/projects/', '/%00', '/.env', '/v1/projects?/../..', '/*', '/v1//projects']
        .filter((url) => url !== '/v1/projects?/../..')
        .map((url): [string, Sent] => [url, { method: 'GET', url }]),
      (reply) => faultOf(reply) ?? (reply.status === 404 ? null : `is ${reply.status}, not 404`),
    );
    const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
    const paths = new Map(routes.map((route) => [route.path, route]));
    for (const route of paths.values()) {
      const own = routes.filter(({ path }) => path === route.path).map(({ method }) => method);
      const requests = methods.filter((method) => !own.includes(method));
      faults.push(
        ...(await faultsOf(
          requests.map((method): [string, Sent] => [`${method} ${route.path}`, { method, url: pathOf(route, known) }]),
          (reply) => {
            if (reply.status !== 405) return `answered ${reply.status}, not 405`;
            const allowed = String(reply.headers['allow']).split(', ').filter((method) => !['HEAD', 'OPTIONS'].includes(method));
            const isTrue = allowed.toSorted().join() === own.toSorted().join();
            return isTrue ? faultOf(reply) : `allows ${allowed.join()}, has ${own.join()}`;
          },
        )),
      );
    }
    expect(faults).toEqual([]);
  });
});

describe('headers', () => {
  it('with anything but a living token are 401', async () => {
    const credentials = [
      `Bearer ${'a'.repeat(8192)}`,
      `Bearer ${'é'.repeat(20)}`,
      'Bearer',
      'Bearer ',
      'Bearer null',
      'Bearer a b',
      'Basic eDp5',
      'x',
      '',
      'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.',
      `Bearer ${token}x`,
      `Bearer ${token}, Bearer ${token}`,
      token,
    ];
    const faults: string[] = [];
    for (const route of routes.filter(({ access }) => access !== 'none')) {
      const requests = credentials.map((authorization): [string, Sent] => [
        `${route.name} with ${authorization.slice(0, 30)}`,
        { method: route.method, url: pathOf(route, known), headers: { authorization } },
      ]);
      faults.push(
        ...(await faultsOf(requests, (reply) => faultOf(reply) ?? (reply.status === 401 ? null : `is ${reply.status}, not 401`))),
      );
    }
    expect(faults).toEqual([]);
  });

  it('with a malformed Idempotency-Key are refused where one counts', async () => {
    const faults: string[] = [];
    const creates = ({ method, path, statuses }: ApiRoute) =>
      method === 'POST' && (statuses.includes('201') || /\/(sources|chat)$/.test(path));
    for (const route of routes.filter(creates)) {
      const requests = ['k'.repeat(300), '', 'a b', 'é', '""'].map((key): [string, Sent] => [
        `${route.name} with key ${label(key)}`,
        {
          method: 'POST',
          url: pathOf(route, known),
          headers: { ...JSON_TYPE, 'idempotency-key': key },
          payload: JSON.stringify(sampleOf(route.bodies[0] ?? {})),
        },
      ]);
      faults.push(...(await faultsOf(requests)));
    }
    expect(faults).toEqual([]);
  });

  it('that are odd break nothing', async () => {
    const odd: Record<string, string>[] = [
      ...['x', '-1', '1e999', '', '99999999999999999999', '%00', '1, 2'].map((id) => ({ 'last-event-id': id })),
      { 'conversation-token': 'é'.repeat(43) },
      { 'conversation-token': 'x'.repeat(8_000) },
      { origin: 'null' },
      { origin: 'x' },
      { host: 'x y' },
      { accept: 'application/xml' },
      { 'x-forwarded-for': '1, x, %00' },
      { 'user-agent': 'x'.repeat(8_000) },
      { 'content-length': '0', 'content-type': 'application/json' },
    ];
    const faults: string[] = [];
    for (const route of routes.filter(({ method, path }) => method === 'GET' && !path.endsWith('/events'))) {
      const requests = odd.map((headers): [string, Sent] => [
        `${route.name} with ${label(headers)}`,
        { method: 'GET', url: pathOf(route, known), headers },
      ]);
      faults.push(...(await faultsOf(requests, faultUnlessFine)));
    }
    expect(faults).toEqual([]);
  });
});

describe.runIf(corpusOrNull('strings/blns.json'))('naughty strings', () => {
  it('are kept to the letter or refused, and found or not found', async () => {
    const strings = JSON.parse(readFileSync(corpusOrNull('strings/blns.json') ?? '', 'utf8')) as string[];
    const base = `/v1/projects/${known['projectId'] ?? ''}`;
    const source = `${base}/sources/${known['sourceId'] ?? ''}`;
    const faults: string[] = [];
    const kept = await app.request('PATCH', source, { token, body: { metadata: { strings: strings.slice(0, 200) } } });
    expect(kept.body.metadata?.strings).toEqual(strings.slice(0, 200));
    const requests = strings.flatMap((text): [string, Sent][] => [
      [`id ${text}`, { method: 'GET', url: `${base}/sources/${encodeURIComponent(text)}` }],
      [`q ${text}`, { method: 'GET', url: `${base}/conversations?q=${encodeURIComponent(text)}` }],
      [`search ${text}`, { method: 'POST', url: `${base}/search`, headers: JSON_TYPE, payload: JSON.stringify({ query: text }) }],
      [`name ${text}`, { method: 'PATCH', url: source, headers: JSON_TYPE, payload: JSON.stringify({ name: text, metadata: {} }) }],
    ]);
    for (const [what, request] of requests) {
      const reply = await send(app, { ...request, headers: { authorization: `Bearer ${token}`, ...request.headers } });
      const fault = faultUnlessFine(reply);
      if (fault !== null && !/shows its inside/.test(fault)) faults.push(`${what}: ${fault}`);
    }
    expect(faults).toEqual([]);
  });
});
