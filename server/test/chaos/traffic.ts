import { setTimeout as delay } from 'node:timers/promises';
import { assertNever } from '#kernel/assert-never.js';
import type { Account, Reply } from './chaos-account.js';
import type { Chaos } from './chaos-cluster.js';

/** What people do with Botbase, one after the other. */
export type Act = 'login' | 'read' | 'ask' | 'stream' | 'add';

export interface Sample {
  act: Act;
  /**
   * The status; for a stream with its last event; with what is missing of a problem; `hung` where no end came in
   * time; else the code of the error.
   */
  outcome: string;
  milliseconds: number;
  /** Sends it again, with the same key, to the other API. */
  retry: () => Promise<Reply>;
}

export interface Traffic {
  samples: Sample[];
  /** How many of the samples ended how, by act and outcome. */
  summary: () => Record<string, number>;
  /** Sends no more, and waits for what is under way. */
  stop: () => Promise<void>;
}

/** No request may hang, whatever is away. What waits for a service to come back waits longer. */
export const HANG_MS = 5_000;
const GIVE_UP_MS = 60_000;
const SECOND_MS = 1_000;

let keys = 0;

/** Sends so many requests a second to both APIs in turn, each when its time has come: an answer is not waited for. */
export function startTraffic(
  chaos: Pick<Chaos, 'accounts' | 'urls'>,
  { perSecond, acts }: { perSecond: number; acts: Act[] },
): Traffic {
  const samples: Sample[] = [];
  const running = new Set<Promise<void>>();
  const startedAt = performance.now();
  const state = { isOver: false };
  const send = async (count: number) => {
    const act = acts[count % acts.length] ?? 'read';
    // In pairs, so that each act goes to both APIs, also where there is an even number of acts.
    const isSecond = Math.floor(count / acts.length) % 2 === 1;
    const account = chaos.accounts[isSecond ? 1 : 0];
    keys += 1;
    const key = `traffic-${keys}`;
    const begin = performance.now();
    const signal = AbortSignal.timeout(GIVE_UP_MS);
    const outcome = await perform(account, chaos.urls[isSecond ? 1 : 0], act, { key, signal }).then(
      (reply) => outcomeOf(reply, act),
      codeOf,
    );
    const milliseconds = performance.now() - begin;
    const retry = () => perform(account, chaos.urls[isSecond ? 0 : 1], act, { key });
    samples.push({ act, outcome, milliseconds, retry });
  };
  const loop = (async () => {
    for (let count = 0; !state.isOver; count += 1) {
      await delay(Math.max(0, startedAt + (count * SECOND_MS) / perSecond - performance.now()));
      const sent = send(count).finally(() => running.delete(sent));
      running.add(sent);
    }
  })();
  return {
    samples,
    summary: () => {
      const counts: Record<string, number> = {};
      for (const { act, outcome } of samples) {
        const name = `${act} ${outcome}`;
        counts[name] = (counts[name] ?? 0) + 1;
      }
      return Object.fromEntries(
        Object.entries(counts).toSorted(([left], [right]) => left.localeCompare(right)),
      );
    },
    stop: async () => {
      state.isOver = true;
      await loop;
      await Promise.all(running);
    },
  };
}

/** Of what a test sends while nothing that is needed is away: two busy cores may refuse so much, with a clear 503. */
const MAX_REFUSED_PART = 0.02;

/** Requests that were not served, by act and outcome, beside the few refusals that busy cores cost. */
export function findUnserved(samples: Sample[]): string[] {
  const isServed = ({ outcome }: Sample) => ['200', '201', '202', '200 done'].includes(outcome);
  const unserved = samples
    .filter((sample) => !isServed(sample))
    .map(({ act, outcome }) => `${act} ${outcome}`);
  const isFew = unserved.length <= samples.length * MAX_REFUSED_PART;
  return isFew && unserved.every((name) => name.endsWith(' 503')) ? [] : unserved;
}

/** Those that took longer, for an expectation that tells which they were. */
export function slowerThan(samples: Sample[], limitMs: number): string[] {
  return samples
    .filter(({ milliseconds }) => milliseconds > limitMs)
    .map(({ act, outcome, milliseconds }) => `${act} ${outcome} after ${Math.round(milliseconds)} ms`);
}

async function perform(
  account: Account,
  url: string,
  act: Act,
  options: { key: string; signal?: AbortSignal },
): Promise<Reply> {
  switch (act) {
    case 'login': {
      const body = { email: `${account.canary}@example.com`, password: 'correct horse battery' };
      const { signal } = options;
      const stop = signal === undefined ? {} : { signal };
      return account.send(url, 'POST', '/v1/auth/login', { body, token: null, ...stop });
    }
    case 'read':
      return account.send(url, 'GET', `${account.project}/sources`, options);
    case 'ask':
      return account.ask(url, options);
    case 'stream': {
      const body = { message: 'How long does a refund take?', stream: true };
      return account.send(url, 'POST', `${account.project}/chat`, { ...options, body });
    }
    case 'add': {
      const text = `Crate ${options.key} holds lanterns for the pier.`;
      const body = { type: 'text', name: options.key, text };
      const reply = await account.send(url, 'POST', `${account.project}/sources`, { ...options, body });
      if (reply.status < 300) account.accepted.sourceIds.push(String(reply.json()['id']));
      return reply;
    }
    default:
      return assertNever(act);
  }
}

function outcomeOf({ status, headers, text }: Reply, act: Act): string {
  if (act === 'stream' && status === 200) {
    return `200 ${/event: (done|error)/.exec(text)?.[1] ?? 'without an end'}`;
  }
  if (status < 400) return String(status);
  const isProblem = headers.get('content-type')?.startsWith('application/problem+json') === true;
  if (!isProblem) return `${status} without a problem`;
  return status === 503 && !headers.has('retry-after') ? '503 without Retry-After' : String(status);
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return 'hung';
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.message;
}

/** Why requests failed, from the processes' logs: for whoever reads the output of a test that went wrong. */
export function reasonsIn(logLines: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const line of logLines.filter((text) => text.includes('"request failed"'))) {
    const { err } = JSON.parse(line) as { err?: { message?: string; cause?: { message?: string } } };
    const reason = `${err?.message?.slice(0, 60)}: ${err?.cause?.message ?? ''}`;
    counts[reason] = (counts[reason] ?? 0) + 1;
  }
  return counts;
}
