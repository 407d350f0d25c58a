import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documentChunks, documents, lexicalSegments } from '#db/schema/documents.js';
import type { Context } from '#platform/context.js';
import { mintProjectScope, systemCaller } from '#platform/scope.js';
import { type TestApp, createTestApp } from '#test/create-test-app.js';
import { searchSegments } from './search-segments.js';

let app: TestApp;
let token: string;
beforeAll(async () => {
  app = await createTestApp();
  ({ token } = await app.register('Ada', 'pro'));
});
afterAll(() => app.close());

async function createProject(texts: Record<string, string>) {
  const projectId = await app.createProject(token);
  const add = (name: string, text: string) => app.addSource(token, projectId, { type: 'text', name, text });
  for (const [name, text] of Object.entries(texts)) await add(name, text);
  const scope = mintProjectScope(systemCaller, projectId, null);
  const search = async (query: string): Promise<string[]> => {
    const body = { query, mode: 'keyword', topK: 50 };
    const reply = await app.request('POST', `/v1/projects/${projectId}/search`, { token, body });
    expect(reply.status).toBe(200);
    return (reply.body.results as { title: string }[]).map(({ title }) => title);
  };
  const remove = async (sourceId: string) => {
    expect(
      (await app.request('DELETE', `/v1/projects/${projectId}/sources/${sourceId}`, { token })).status,
    ).toBe(204);
  };
  return { projectId, scope, add, search, remove };
}

describe('a search by words', () => {
  it('finds words that are spelled alike, after those that are the same', async () => {
    const { search } = await createProject({
      Compound: 'Die Kühlschranktür schließt nicht mehr, der Griff ist abgenutzt.',
      Same: 'Der Kühlschrank steht in der Küche.',
      Other: 'Das Kühlmittel wird geliefert.',
    });
    expect(await search('Kühlschrank')).toEqual(['Same', 'Compound']);
    const english = await createProject({
      Slip: 'The expresso machine is sold out.',
      Other: 'Tea is sold out.',
    });
    expect(await english.search('express machines')).toEqual(['Slip']);
  });

  it('finds code by the whole name and by its parts', async () => {
    const { search } = await createProject({
      Camel: 'Call getUserName before the session ends.',
      Snake: 'Set max_open_files in the configuration.',
      Dotted: 'The method server.listen starts it.',
      Prose: 'Names of users, open doors and files on a table; servers wait.',
    });
    expect((await search('getUserName'))[0]).toBe('Camel');
    expect((await search('what does max_open_files do?'))[0]).toBe('Snake');
    expect((await search('server.listen'))[0]).toBe('Dotted');
    expect(await search('user name')).toContain('Camel');
    expect(await search('open files')).toContain('Snake');
    expect(await search('LISTEN')).toEqual(['Dotted']);
  });

  it('puts quoted phrases and exact ids first', async () => {
    const { search } = await createProject({
      Spread: 'A window for each return. The return is quick, the window is wide; return it to the window.',
      Phrase: 'This long text about parcels and how they travel says in passing what a return window may be.',
      Similar: 'ERR-4043 and ERR-4044 and model 4042, ERR for short: the ERR of 4042.',
      Id: 'Where the pump is blocked by chalk, the display of the machine shows ERR-4042 until it is cleaned.',
    });
    expect((await search('"return window"'))[0]).toBe('Phrase');
    expect((await search('What is ERR-4042?'))[0]).toBe('Id');
  });

  it.each([
    [
      'el',
      {
        Επιστροφές: 'Μπορείτε να επιστρέψετε τα προϊόντα μέσα σε τριάντα ημέρες από την παράδοση.',
        Αποστολή: 'Τα δέματα φεύγουν κάθε πρωί από το κατάστημα και φτάνουν σε δύο ημέρες.',
      },
      [
        ['ΠΟΤΕ ΦΤΑΝΟΥΝ ΤΑ ΔΕΜΑΤΑ;', 'Αποστολή'],
        ['επιστροφη προιοντων', 'Επιστροφές'],
      ],
    ],
    [
      'ro',
      {
        Retur: 'Puteți returna produsele în treizeci de zile de la livrare, fără să plătiți nimic.',
        Garanție: 'Garanția râșniței este de doi ani și acoperă toate defecțiunile motorului.',
      },
      [
        ['Cât timp este garanţia rasnitei?', 'Garanție'],
        ['returnarea produselor', 'Retur'],
      ],
    ],
    [
      'tr',
      {
        İade: 'Ürünleri teslimattan sonra otuz gün içinde ücretsiz olarak iade edebilirsiniz.',
        Isıtıcı: 'Isıtıcının garantisi iki yıldır ve bütün arızaları kapsar.',
      },
      [
        ['ISITICI GARANTİSİ KAÇ YIL', 'Isıtıcı'],
        ['ürünlerin iadesi', 'İade'],
      ],
    ],
    [
      'ja',
      {
        返品: '商品は配送後三十日以内であれば無料で返品できます。',
        保証: 'コーヒーミルの保証期間は二年間で、モーターの故障も対象です。',
      },
      [
        ['保証は何年ですか', '保証'],
        ['無料で返品したい', '返品'],
        ['ｺｰﾋｰﾐﾙ', '保証'],
      ],
    ],
    [
      'vi',
      {
        Bán: 'Cửa hàng bán cà phê vào mỗi buổi sáng trong tuần.',
        Bạn: 'Bạn của chúng tôi sống ở một thành phố xa.',
      },
      [
        ['bán', 'Bán'],
        ['bạn', 'Bạn'],
      ],
    ],
  ] as [string, Record<string, string>, [string, string][]][])(
    'reads %s',
    async (language, texts, questions) => {
      const { search, scope } = await createProject(texts);
      for (const [question, title] of questions)
        expect([question, (await search(question))[0]]).toEqual([question, title]);
      const rows = await app.ctx.db
        .selectDistinct({ language: documentChunks.language })
        .from(documentChunks)
        .where(eq(documentChunks.projectId, scope.projectId));
      expect(rows).toEqual([{ language }]);
    },
  );

  it('reads each part of a document in its own language, and a question in that of its words', async () => {
    const filler = (sentence: string) => Array.from({ length: 40 }, () => sentence).join(' ');
    const { search, scope } = await createProject({
      Manual: [
        '# Warranty',
        filler('The warranty of the grinder is two years from the day of delivery to the customer.'),
        '# Lieferung',
        filler('Die Lieferungen der Häuser erfolgen binnen drei Tagen nach dem Eingang der Bestellung.'),
      ].join('\n\n'),
      Other: 'Nothing that concerns it.',
    });
    const chunks = await app.ctx.db
      .select({
        language: documentChunks.language,
        content: documentChunks.content,
        terms: documentChunks.terms,
      })
      .from(documentChunks)
      .where(eq(documentChunks.projectId, scope.projectId));
    const german = chunks.filter(({ content }) => content.includes('Häuser') && !content.includes('grinder'));
    expect(german.length).toBeGreaterThan(0);
    expect(german.every(({ language }) => language === 'de')).toBe(true);
    expect(german.every(({ terms }) => terms?.split('\n')[1]?.includes('liefer haus erfolg'))).toBe(true);
    const segments = await app.ctx.db
      .select({ language: lexicalSegments.language, count: sql<number>`sum(chunk_count)::int` })
      .from(lexicalSegments)
      .where(eq(lexicalSegments.projectId, scope.projectId))
      .groupBy(lexicalSegments.language);
    for (const { language, count } of segments) {
      expect([language, count]).toEqual([
        language,
        chunks.filter((chunk) => chunk.language === language).length,
      ]);
    }
    expect(segments.map(({ language }) => language).toSorted()).toEqual(['de', 'en']);
    expect((await search('Wann erfolgt die Lieferung eines Hauses?'))[0]).toBe('Manual');
  });

  it('finds all that a filter allows, however much matches better', async () => {
    const { scope, add } = await createProject({});
    for (let index = 0; index < 110; index += 1) await add(`Strong ${index}`, 'kettle kettle');
    await add(
      'Allowed',
      `A text about other things which says kettle once. ${'More words of no use. '.repeat(20)}`,
    );
    const allowed = eq(documents.title, 'Allowed');
    const { hits, idfSum } = await searchSegments(app.ctx, scope, {
      query: 'kettle',
      limit: 10,
      documents: allowed,
    });
    expect(hits).toHaveLength(1);
    const all = await searchSegments(app.ctx, scope, { query: 'kettle', limit: 200 });
    expect(all.idfSum).toBe(idfSum);
    expect(all.hits).toHaveLength(111);
    expect(all.hits.at(-1)?.chunkId).toBe(hits[0]?.chunkId);
    const none = await searchSegments(app.ctx, scope, { query: 'kettle', limit: 10, documents: sql`false` });
    expect(none.hits).toEqual([]);
  });
});

describe('a change during searches', () => {
  it('is in every answer that begins after it, and no answer is of two states', async () => {
    const { search, add, remove } = await createProject({ Kept: 'The grinder stays.' });
    const present = new Set(['Kept']);
    const gone = new Set<string>();
    const changes = { areOver: false };
    let waiting: (() => void)[] = [];
    const answered = () => new Promise<void>((resolve) => waiting.push(resolve));
    const change = async () => {
      for (let round = 0; round < 5; round += 1) {
        const name = `Round ${round}`;
        const { id } = await add(name, `The grinders and grinding of round ${round}.`);
        present.add(name);
        await answered();
        present.delete(name);
        await remove(id as string);
        gone.add(name);
        await answered();
      }
      changes.areOver = true;
    };
    const ask = async () => {
      for (let number = 0; !changes.areOver; number += 1) {
        const [mustHave, mustLack, told] = [[...present], [...gone], waiting];
        waiting = [];
        const found = await search(`grinder ${number}`);
        expect(found).toEqual(expect.arrayContaining(mustHave));
        expect(found.filter((name) => mustLack.includes(name))).toEqual([]);
        expect(found.filter((name) => name.startsWith('Round')).length).toBeLessThanOrEqual(1);
        for (const tell of told) tell();
        // Those who were told take what they change out of what is expected, before it is looked at again.
        await yieldToOthers();
      }
    };
    await Promise.all([change(), ask()]);
    expect(await search('grinders')).toEqual(['Kept']);
  });

  it('makes a word known that is spelled like one that was asked for before', async () => {
    const { search, add, remove } = await createProject({ One: 'Tea is served.' });
    expect(await search('grinder')).toEqual([]);
    const { id } = await add('Two', 'All grindeur here.');
    expect(await search('grinder')).toEqual(['Two']);
    await add('Three', 'The grinderman knows.');
    expect((await search('grinder')).toSorted()).toEqual(['Three', 'Two']);
    await remove(id as string);
    expect(await search('grinder')).toEqual(['Three']);
  });

  it('ends a search that the index outruns with the state held', async () => {
    const { scope, projectId } = await createProject({ One: 'The grinder is blue.' });
    let isHeld = false;
    // Each view is out of date by the time that postings are read.
    const outrun = <T extends Pick<Context['db'], 'execute'>>(tx: T): T =>
      new Proxy(tx, {
        get: (target, name) => {
          if (name !== 'execute') return Reflect.get(target, name) as unknown;
          return async (query: Parameters<T['execute']>[0]) => {
            const result = await target.execute(query);
            await target.execute(
              sql`update projects set index_version = index_version + 1 where id = ${projectId}`,
            );
            return result;
          };
        },
      });
    const db = new Proxy(app.ctx.db, {
      get: (target, name) => {
        if (name !== 'transaction') return Reflect.get(target, name) as unknown;
        return (...[act, config]: Parameters<typeof target.transaction>) => {
          isHeld = config?.isolationLevel === 'repeatable read';
          return isHeld ? target.transaction(act, config) : target.transaction((tx) => act(outrun(tx)));
        };
      },
    });
    const { hits } = await searchSegments({ ...app.ctx, db }, scope, {
      query: 'grinder',
      limit: 5,
    });
    expect(hits).toHaveLength(1);
    expect(isHeld).toBe(true);
  });
});
