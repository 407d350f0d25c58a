import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiRoute, pathOf, sampleOf } from './api-routes.js';
import { type AttackTarget, createAttackTarget } from './attack-target.js';
import { badIds, badPathParts, badQueryValues } from './bad-values.js';
import { type Sent, faultOf, faultUnlessFine, label } from './refusals.js';

let target: AttackTarget;
beforeAll(async () => {
  target = await createAttackTarget();
});
afterAll(() => target.app.close());

const JSON_TYPE = { 'content-type': 'application/json' };

describe('paths and queries', () => {
  it('with a malformed or unknown id are not_found', async () => {
    const { routes, known, faultsOf } = target;
    const faults: string[] = [];
    for (const route of routes) {
      const body =
        route.bodies[0] === undefined
          ? {}
          : { headers: JSON_TYPE, payload: JSON.stringify(sampleOf(route.bodies[0], '', true)) };
      const with_ = (name: string, value: string): [string, Sent] => [
        `${route.name} ${name}=${value.slice(0, 50)}`,
        { method: route.method, url: pathOf(route, { ...known, [name]: value }), ...body },
      ];
      // Dots lead to another route where there is one, before any route is asked.
      const isOfRoute = ([, { url }]: [string, Sent]) =>
        !routes.some(({ path }) => path === new URL(url, 'http://botbase.test').pathname);
      const ids = route.pathParameters
        .flatMap((name) => badIds.map((value) => with_(name, value)))
        .filter(isOfRoute);
      const parts = route.pathParameters
        .flatMap((name) => badPathParts.map((value) => with_(name, value)))
        .filter(isOfRoute);
      faults.push(
        ...(await faultsOf(
          ids,
          (reply) => faultOf(reply) ?? (reply.status === 404 ? null : `is ${reply.status}, not 404`),
        )),
        ...(await faultsOf(parts)),
      );
    }
    expect(faults).toEqual([]);
  });

  it('with a malformed query are validation_failed', async () => {
    const { routes, known, faultsOf } = target;
    const faults: string[] = [];
    for (const route of routes) {
      const requests = route.queryParameters.flatMap((name) => {
        const values = badQueryValues[name];
        if (values === undefined)
          throw new Error(`${route.name}: this test has no bad values for ?${name}= yet`);
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
    const { routes, known, faultsOf } = target;
    const faults = await faultsOf(
      [
        '/v1',
        '/v1/',
        '/v2/projects',
        '/v1/nothing',
        '/v1/projects/',
        '/%00',
        '/.env',
        '/*',
        '/v1//projects',
      ].map((url): [string, Sent] => [url, { method: 'GET', url }]),
      (reply) => faultOf(reply) ?? (reply.status === 404 ? null : `is ${reply.status}, not 404`),
    );
    const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
    const paths = new Map(routes.map((route) => [route.path, route]));
    for (const route of paths.values()) {
      const own = routes.filter(({ path }) => path === route.path).map(({ method }) => method);
      const requests = methods.filter((method) => !own.includes(method));
      faults.push(
        ...(await faultsOf(
          requests.map((method): [string, Sent] => [
            `${method} ${route.path}`,
            { method, url: pathOf(route, known) },
          ]),
          (reply) => {
            if (reply.status !== 405) return `answered ${reply.status}, not 405`;
            const allowed = String(reply.headers['allow'])
              .split(', ')
              .filter((method) => !['HEAD', 'OPTIONS'].includes(method));
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
    const { token, routes, known, faultsOf } = target;
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
        ...(await faultsOf(
          requests,
          (reply) => faultOf(reply) ?? (reply.status === 401 ? null : `is ${reply.status}, not 401`),
        )),
      );
    }
    expect(faults).toEqual([]);
  });

  it('with a malformed Idempotency-Key are refused where one counts', async () => {
    const { routes, known, faultsOf } = target;
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
    const { routes, known, faultsOf } = target;
    const odd: Record<string, string>[] = [
      ...['x', '-1', '1e999', '', '99999999999999999999', '%00', '1, 2'].map((id) => ({
        'last-event-id': id,
      })),
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
    // Events have no end, and the audit log tells of each export.
    const isApart = ({ path }: ApiRoute) => /\/(events|export)$/.test(path);
    for (const route of routes.filter((each) => each.method === 'GET' && !isApart(each))) {
      const requests = odd.map((headers): [string, Sent] => [
        `${route.name} with ${label(headers)}`,
        { method: 'GET', url: pathOf(route, known), headers },
      ]);
      faults.push(...(await faultsOf(requests, faultUnlessFine)));
    }
    expect(faults).toEqual([]);
  });
});
