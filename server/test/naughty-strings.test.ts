import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiRoute, type JsonSchema, pathOf, sampleOf } from './api-routes.js';
import { type AttackTarget, createAttackTarget } from './attack-target.js';
import { corpusOrNull } from './read-corpus.js';
import { type Sent, faultUnlessFine, send } from './refusals.js';

/** As many as fit into the 16 KiB of a source's metadata. */
const PER_METADATA = 100;
/** A search and an answer take many milliseconds: one string in so many. */
const SEARCHED_ONE_IN = 4;
const CHANGED_ONE_IN = 8;
const ASKED_ONE_IN = 16;
const JSON_TYPE = { 'content-type': 'application/json' };

describe.runIf(corpusOrNull('strings/blns.json'))('naughty strings', () => {
  let target: AttackTarget;
  let strings: string[];
  beforeAll(async () => {
    target = await createAttackTarget();
    strings = JSON.parse(readFileSync(corpusOrNull('strings/blns.json') ?? '', 'utf8')) as string[];
  });
  afterAll(() => target.app.close());

  it('are kept to the letter by every field that is text, or refused', async () => {
    const { routes } = target;
    const isOpen = ({ method, path }: ApiRoute) => method === 'PATCH' && !path.startsWith('/v1/admin');
    const changing = routes.filter(
      (route) => isOpen(route) && textFieldsOf(route.bodies[0] ?? {}).length > 0,
    );
    const project = changing.find(({ path }) => path === '/v1/projects/{projectId}');
    const faults: string[] = [];
    let kept = 0;
    for (const route of changing) {
      const names = textFieldsOf(route.bodies[0] ?? {});
      // A change takes many milliseconds: all strings go to the route that has most fields.
      const tried = strings.filter((_text, index) => route === project || index % CHANGED_ONE_IN === 0);
      for (const text of tried) {
        const together = await change(route, names, text);
        // One field may refuse what the others take.
        const replies =
          together.status === 400
            ? await Promise.all(names.map((name) => change(route, [name], text)))
            : [together];
        for (const { faults: found, kept: count } of replies) {
          faults.push(...found);
          kept += count;
        }
      }
    }
    expect(faults).toEqual([]);
    expect(kept).toBeGreaterThan(7 * strings.length);
  });

  async function change(route: ApiRoute, names: string[], text: string) {
    const { app, token, known } = target;
    const body = Object.fromEntries(names.map((name) => [name, text]));
    const reply = await app.request(route.method, pathOf(route, known), { token, body });
    const what = `${route.name} ${names.join()} = ${JSON.stringify(text).slice(0, 60)}`;
    if (reply.status === 400) return { status: 400, kept: 0, faults: [] };
    if (reply.status !== 200) return { status: reply.status, kept: 0, faults: [`${what}: ${reply.status}`] };
    const changed = names.filter((name) => reply.body[name] !== text && reply.body[name] !== text.trim());
    const faults = changed.map((name) => `${what}: ${name} became ${JSON.stringify(reply.body[name])}`);
    return { status: 200, kept: names.length - changed.length, faults };
  }

  it('are kept to the letter in metadata, and found or not found', async () => {
    const { app, token, known } = target;
    const base = `/v1/projects/${known['projectId'] ?? ''}`;
    const source = `${base}/sources/${known['sourceId'] ?? ''}`;
    for (let start = 0; start < strings.length; start += PER_METADATA) {
      const metadata = { strings: strings.slice(start, start + PER_METADATA) };
      const kept = await app.request('PATCH', source, { token, body: { metadata } });
      expect(kept.body.metadata).toEqual(metadata);
    }
    const requests = strings.flatMap((text, index): [string, Sent][] => {
      const payload = JSON.stringify({ query: text });
      const search: [string, Sent] = [
        `search ${text}`,
        { method: 'POST', url: `${base}/search`, headers: JSON_TYPE, payload },
      ];
      return [
        [`id ${text}`, { method: 'GET', url: `${base}/sources/${encodeURIComponent(text)}` }],
        [`q ${text}`, { method: 'GET', url: `${base}/conversations?q=${encodeURIComponent(text)}` }],
        ...(index % SEARCHED_ONE_IN === 0 ? [search] : []),
      ];
    });
    const faults: string[] = [];
    for (const [what, request] of requests) {
      const reply = await send(app, {
        ...request,
        headers: { authorization: `Bearer ${token}`, ...request.headers },
      });
      const fault = faultUnlessFine(reply);
      if (fault !== null && !/shows its inside/.test(fault)) faults.push(`${what}: ${fault}`);
    }
    expect(faults).toEqual([]);
  });

  it('are kept to the letter as a question, as a visitor and as a comment on an answer', async () => {
    const { app, token, known } = target;
    const base = `/v1/projects/${known['projectId'] ?? ''}`;
    const faults: string[] = [];
    let kept = 0;
    for (const message of strings.filter((_text, index) => index % ASKED_ONE_IN === 0)) {
      const visitor = { id: 'v', name: message, metadata: { note: message } };
      const asked = await app.request('POST', `${base}/chat`, { token, body: { message, visitor } });
      if (asked.status === 400) continue;
      const { conversationId, message: answer } = asked.body;
      const rating = { rating: 'down', comment: message };
      await app.request('POST', `${base}/messages/${answer.id}/feedback`, { token, body: rating });
      const { body } = await app.request('GET', `${base}/conversations/${conversationId}`, { token });
      const messages = await app.request('GET', `${base}/conversations/${conversationId}/messages`, {
        token,
      });
      const text = JSON.stringify([body, messages.body]);
      const wanted = JSON.stringify(message);
      if (asked.status === 200 && text.split(wanted).length > 3) kept += 1;
      else faults.push(`${wanted}: ${asked.status} ${text}`);
    }
    expect(faults).toEqual([]);
    expect(kept).toBeGreaterThan(20);
  });
});

/** Fields that take any text and show it: what has a form of its own has another sample. */
function textFieldsOf(schema: JsonSchema): string[] {
  const fields = Object.entries(schema.properties ?? {});
  return fields
    .filter(([name, field]) => {
      const form = [field, ...(field.anyOf ?? [])].find(({ type }) => type === 'string');
      const isText = form !== undefined && form.enum === undefined;
      return isText && sampleOf(form, name) === `Some ${name}` && !/password/i.test(name);
    })
    .map(([name]) => name);
}
