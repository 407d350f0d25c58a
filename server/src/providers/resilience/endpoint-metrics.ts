import { assertNever } from '#kernel/assert-never.js';
import type { Metrics } from '#platform/metrics.js';
import type { EndpointEvent } from './endpoint-policy.js';

/** Counts what happens at model endpoints. The state of a circuit is looked at when somebody scrapes. */
export function countEndpointEvents(metrics: Metrics): (event: EndpointEvent) => void {
  return (event) => {
    const { endpoint } = event;
    switch (event.type) {
      case 'call_ended':
        metrics.endpointCalls.inc({ endpoint, outcome: event.outcome });
        break;
      case 'retry':
        metrics.endpointRetries.inc({ endpoint, reason: event.reason });
        break;
      case 'retry_denied':
        metrics.endpointRetriesDenied.inc({ endpoint, reason: event.reason });
        break;
      case 'call_refused':
        metrics.endpointRefusals.inc({ endpoint });
        break;
      case 'circuit_changed':
        break;
      default:
        assertNever(event);
    }
  };
}
