import type { RuntimeConfig } from '#platform/config/runtime-config.js';
import { type Logger, createLogger } from '#platform/logger.js';
import { type Metrics, createMetrics } from '#platform/metrics.js';
import { registerTracing } from '#platform/tracing.js';
import { startSentryErrorTracker } from '#providers/error-tracker/sentry-error-tracker.js';
import { startTraceExport } from '#providers/trace-export/start-trace-export.js';
import { VERSION } from './version.js';

/** For the last spans and errors, when all else has stopped. */
const FLUSH_MS = 2_000;

export interface Telemetry {
  log: Logger;
  metrics: Metrics;
  /** Sends what is left. */
  close: () => Promise<void>;
}

/** Log, metrics, and, where they are configured, traces and errors that go elsewhere. */
export async function openTelemetry(
  config: RuntimeConfig,
  about: { processId: string; log: Logger | undefined },
): Promise<Telemetry> {
  registerTracing();
  const { role, environment } = config;
  const release = `botbase@${VERSION}`;
  const errors = await startSentryErrorTracker({ dsn: config.sentryDsn, release, environment, role });
  const onError = config.sentryDsn === null ? {} : { onError: errors.report };
  const log = about.log ?? createLogger(config.logLevel, onError);
  const traces = await startTraceExport({
    endpoint: config.otlpEndpoint,
    log,
    about: { processId: about.processId, version: VERSION, role },
  });
  const metrics = createMetrics();
  metrics.processInfo.set({ version: VERSION, role }, 1);
  return {
    log,
    metrics,
    close: async () => void (await Promise.all([traces.stop(FLUSH_MS), errors.stop(FLUSH_MS)])),
  };
}
