import { randomBytes } from 'node:crypto';
import {
  type Attributes,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  context,
  isSpanContextValid,
  propagation,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { AppError } from '#kernel/app-error.js';
import { ModelError } from '#kernel/model-error.js';

const TRACER = 'botbase';

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
};

/** The headers of W3C Trace Context, as they come and go. */
interface TraceHeaders {
  traceparent?: string | undefined;
  tracestate?: string | undefined;
}

export interface SpanOptions {
  name: string;
  kind?: keyof typeof KINDS;
  /** Patterns, codes, names of models, counts. Never text, ids of people or addresses. */
  attributes?: Attributes;
  /** Where the trace comes from; unset: from whatever runs now. What is no trace context begins a new trace. */
  parent?: TraceHeaders;
}

/** A piece of work that is under way. */
export interface OpenSpan {
  /** Runs `act` so that whatever it starts, logs and asks belongs to this span. */
  run: <T>(act: () => T) => T;
  set: (attributes: Attributes) => void;
  /** @param failure null: it went well; else what went wrong, in a word of ours */
  end: (failure: string | null) => void;
}

/**
 * Lets trace context travel with the work of this process. A process that is started under an instrumentation of its
 * operator has that one, and keeps it.
 */
export function registerTracing(): void {
  if (propagation.fields().length > 0) return;
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
}

/** Begins a span. Unless traces are exported it costs nothing and only carries the trace's id. */
export function openSpan({ name, kind = 'internal', attributes = {}, parent }: SpanOptions): OpenSpan {
  const origin = parent === undefined ? context.active() : propagation.extract(ROOT_CONTEXT, parent);
  const started = trace.getTracer(TRACER).startSpan(name, { kind: KINDS[kind], attributes }, origin);
  // Without an SDK nobody begins traces, and the lines of a request would have nothing in common.
  const isInTrace = isSpanContextValid(started.spanContext());
  const span = isInTrace ? started : trace.wrapSpanContext(newTrace());
  const current = trace.setSpan(origin, span);
  return {
    run: (act) => context.with(current, act),
    set: (more) => void span.setAttributes(more),
    end: (failure) => {
      if (failure !== null) {
        span.setAttribute('error.type', failure);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}

/** Runs `act` in a span of its own, which fails as `act` does. */
export async function inSpan<T>(options: SpanOptions, act: (span: OpenSpan) => Promise<T>): Promise<T> {
  const span = openSpan(options);
  let failure: string | null = null;
  try {
    return await span.run(() => act(span));
  } catch (error) {
    failure = failureOf(error);
    throw error;
  } finally {
    span.end(failure);
  }
}

/** A word for what went wrong: never a message, which may quote somebody. */
export function failureOf(error: unknown): string {
  if (error instanceof AppError) return error.code;
  if (error instanceof ModelError) return error.kind;
  return error instanceof Error ? error.name : 'unknown';
}

/** The trace that runs now, for the log; null outside of any. */
export function currentTraceId(): string | null {
  return trace.getSpanContext(context.active())?.traceId ?? null;
}

/** The trace that runs now, for whoever goes on with it: a model endpoint, or a job. Empty outside of any. */
export function traceHeaders(): { traceparent?: string; tracestate?: string } {
  const headers: { traceparent?: string; tracestate?: string } = {};
  propagation.inject(context.active(), headers);
  return headers;
}

/** Not sampled: nobody here keeps its spans. */
function newTrace(): SpanContext {
  return {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    traceFlags: TraceFlags.NONE,
  };
}
