import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fieldsOf, pathOf, sampleOf } from './api-routes.js';
import { type AttackTarget, createAttackTarget } from './attack-target.js';
import {
  NOBODYS_ID,
  badBodies,
  badContentTypes,
  badValuesOf,
  oddContentTypes,
  withField,
} from './bad-values.js';
import { corpusOrNull, readTarball } from './read-corpus.js';
import { type Sent, faultOf, label, send } from './refusals.js';

let target: AttackTarget;
beforeAll(async () => {
  target = await createAttackTarget();
});
afterAll(() => target.app.close());

const JSON_TYPE = { 'content-type': 'application/json' };

describe('bodies', () => {
  it('finds the routes, and makes a body that each takes', async () => {
    const { app, token, routes, known } = target;
    expect(routes.length).toBeGreaterThan(25);
    const scratch = { ...known, projectId: await app.createProject(token) };
    const faults: string[] = [];
    for (const route of routes) {
      for (const schema of route.bodies) {
        const payload = JSON.stringify(sampleOf(schema, '', true));
        const headers = { ...JSON_TYPE, authorization: `Bearer ${token}` };
        const reply = await send(app, {
          method: route.method,
          url: pathOf(route, scratch),
          headers,
          payload,
        });
        if ([400, 415, 422, 500].includes(reply.status))
          faults.push(`${route.name} ${payload}: ${reply.text}`);
      }
    }
    expect(faults).toEqual([]);
  });

  it('are refused everywhere where they are none, or are not of the route', async () => {
    const { routes, known, faultsOf } = target;
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
    const { routes, known, faultsOf } = target;
    const faults: string[] = [];
    for (const route of routes.filter(({ bodies, method }) => bodies.length === 0 && method !== 'GET')) {
      const { method } = route;
      const url = pathOf(route, known);
      const requests = ['{"a":', 'NaN', '{"__proto__":{}}', 'x'.repeat(11 * 1024 * 1024)].map(
        (payload): [string, Sent] => [
          `${route.name} with ${payload.slice(0, 20)}`,
          { method, url, headers: JSON_TYPE, payload },
        ],
      );
      faults.push(...(await faultsOf(requests)));
    }
    expect(faults).toEqual([]);
  });

  it('are refused with 415, or as unreadable, in any other Content-Type', async () => {
    const { routes, known, faultsOf } = target;
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

  it('are not taken unchecked, however their Content-Type is written', async () => {
    const { routes, known, faultsOf } = target;
    const faults: string[] = [];
    for (const route of routes) {
      const forms =
        route.bodies.length === 0 ? [{}] : route.bodies.map((schema) => sampleOf(schema, '', true));
      const requests = forms.flatMap((form) => {
        const payload = withField(form, ['ownerId'], NOBODYS_ID);
        return oddContentTypes.map((type): [string, Sent] => [
          `${route.name} as ${label(type)}`,
          { method: route.method, url: pathOf(route, known), headers: { 'content-type': type }, payload },
        ]);
      });
      if (route.method !== 'GET') faults.push(...(await faultsOf(requests)));
    }
    expect(faults).toEqual([]);
  });

  it('are refused as a form by routes that take none', async () => {
    const { routes, known, faultsOf } = target;
    const forms = routes.filter(({ method, takesFiles }) => method !== 'GET' && !takesFiles);
    const form = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n--b--\r\n';
    const requests = forms.map((route): [string, Sent] => [
      route.name,
      {
        method: route.method,
        url: pathOf(route, known),
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
        payload: form,
      },
    ]);
    const faults = await faultsOf(requests, (reply) =>
      reply.status === 415 ? faultOf(reply) : `answered ${reply.status}, not 415`,
    );
    expect(faults).toEqual([]);
  });

  it('in JSON do not pass for a form that was read, nor a form for JSON', async () => {
    const { routes, known, faultsOf } = target;
    const file = { filename: 'a.txt', mimetype: 'text/plain', path: '/etc/passwd', filepath: '/etc/passwd' };
    const posing = [
      { file },
      { files: { file }, type: 'file' },
      { type: 'file', name: 'a', file: [file] },
      { type: 'text', name: 'a', text: 'b', filepath: '/etc/passwd' },
    ];
    const taking = routes.filter(({ takesFiles }) => takesFiles);
    expect(taking.length).toBeGreaterThan(0);
    const requests = taking.flatMap((route) =>
      [JSON_TYPE, { 'content-type': 'multipart/form-data; boundary=b' }].flatMap((headers) =>
        posing.map((body): [string, Sent] => {
          const payload = JSON.stringify(body);
          return [
            `${route.name} ${payload}`,
            { method: 'POST', url: pathOf(route, known), headers, payload },
          ];
        }),
      ),
    );
    expect(await faultsOf(requests)).toEqual([]);
  });

  it('are refused for one bad value in any field', async () => {
    const { routes, known, faultsOf } = target;
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

  it.runIf(corpusOrNull('json/json.tar.gz'))(
    'of a JSON test suite are told apart by their syntax',
    async () => {
      const { app, faultsOf } = target;
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
        const isTaken = name.startsWith('y_') && !name.startsWith('y_object_duplicated_key');
        if (isRead !== isTaken) faults.push(`${name}: ${code}`);
      }
      expect(faults).toEqual([]);
    },
  );
});
