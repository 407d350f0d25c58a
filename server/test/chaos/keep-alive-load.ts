import { Agent, request } from 'node:http';

export interface Load {
  /** By what became of the requests: a status, `503 without Retry-After`, or the code of an error. */
  outcomes: Map<string, number>;
  /** Stops asking, and waits for what is under way. */
  stop: () => Promise<void>;
}

/** Clients that ask one after the other, each over a connection of its own that it keeps as long as the server does. */
export function startLoad(url: string, token: string, options: { clients: number; pauseMs: number }): Load {
  const outcomes = new Map<string, number>();
  const over = new AbortController();
  const client = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!over.signal.aborted) {
      const outcome = await ask(url, token, agent);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      await new Promise((resolve) => {
        setTimeout(resolve, options.pauseMs);
      });
    }
    agent.destroy();
  };
  const clients = Array.from({ length: options.clients }, client);
  return {
    outcomes,
    stop: async () => {
      over.abort();
      await Promise.all(clients);
    },
  };
}

function ask(url: string, token: string, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    const asked = request(url, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      const { statusCode, headers } = response;
      response.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      response.on('end', () => {
        const isUnkind = statusCode === 503 && headers['retry-after'] === undefined;
        resolve(isUnkind ? '503 without Retry-After' : String(statusCode));
      });
      response.resume();
    });
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    asked.end();
  });
}
