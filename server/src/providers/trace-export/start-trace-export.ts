import { trace } from '@opentelemetry/api';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import type { Logger } from '#platform/logger.js';

const TRACES_PATH = '/v1/traces';
/** A collector that is away would be told of with every batch. */
const TELL_EVERY_MS = 60_000;

export interface TraceExport {
  /** Sends what is still to be sent, for `timeoutMs` at most. */
  stop(timeoutMs: number): Promise<void>;
}

/**
 * Sends spans to a collector, as OTLP in JSON over HTTP. The SDK is loaded only where one is configured; it then heeds
 * its own variables too, such as `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_TRACES_SAMPLER`.
 * @param options.endpoint the collector's address without `/v1/traces`; null: nothing is loaded or sent
 */
export async function startTraceExport(options: {
  endpoint: string | null;
  log: Logger;
  /** This process, as the collector shows it. */
  about: { processId: string; version: string; role: string };
}): Promise<TraceExport> {
  const { endpoint, log, about } = options;
  if (endpoint === null) return { stop: () => Promise.resolve() };
  const [{ BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  setGlobalErrorHandler(atMostEvery(TELL_EVERY_MS, () => log.warn('spans could not be exported')));
  const attributes = {
    'service.name': 'botbase',
    'service.version': about.version,
    'service.instance.id': about.processId,
    'botbase.role': about.role,
  };
  const provider = new NodeTracerProvider({
    resource: resources.defaultResource().merge(resources.resourceFromAttributes(attributes)),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${endpoint}${TRACES_PATH}` }))],
  });
  // What carries the context is there already, also without an export.
  provider.register({ contextManager: null, propagator: null });
  return {
    stop: async (timeoutMs) => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([provider.shutdown().catch(() => {}), late]);
      clearTimeout(timer);
      trace.disable();
    },
  };
}

function atMostEvery(pauseMs: number, tell: () => void): () => void {
  let lastAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - lastAt < pauseMs) return;
    lastAt = performance.now();
    tell();
  };
}
