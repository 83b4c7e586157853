/** Where services run, behind one interface: `process` on the worker's machine; Kubernetes and compose come beside it. */
import type { Service } from '../../inventory/schema/service.ts';
import type { Store } from '../../inventory/schema/store.ts';
import type { Observation } from '../mutation.ts';
import type { Work } from '../stores/contract.ts';

export interface ServiceRequest {
  system: string;
  stateDirectory: string;
  /** The service's name in the inventory. */
  service: string;
  spec: Service;
  /** The stores this service's health check names. */
  stores: Record<string, Store>;
}

export interface ServiceState {
  running: boolean;
  /** What proves it is this service and no other: for a process its pid and start time. */
  identity?: string;
  since?: string;
  /** For people: `pid 4711, up 3m12s`, or the last lines of its log when it died. */
  detail: string;
}

export interface ServiceHealth {
  service: string;
  healthy: boolean;
  /** healthy, slow (answered, but later than slowAfter), unhealthy, unreachable */
  status: 'healthy' | 'slow' | 'unhealthy' | 'unreachable';
  latencyMs: number;
  /** HTTP status, `accepting connections`, `PONG`, or what went wrong. */
  detail: string;
  /** The HTTP status code, where there is one. */
  code?: number;
}

export interface Drained {
  drained: boolean;
  /** Work in hand at the last look; null where nothing tells. */
  active: number | null;
  waitedMs: number;
  /** Why it is not known to be drained. */
  reason?: string;
}

interface Effect<Request, Result> {
  observe(request: Request, work: Work): Promise<Observation<Result>>;
  act(request: Request, work: Work): Promise<Result>;
}

export interface Platform {
  state(request: ServiceRequest, work: Work): Promise<ServiceState>;
  /** Starts it and answers once it exists; health is asked separately. Running already is done already. */
  start: Effect<ServiceRequest, ServiceState>;
  /** Asks it to stop and waits until it is gone, at most `stopWithin`. Never forces a database. */
  stop: Effect<ServiceRequest, ServiceState>;
  /** Paths of the log files of this service on this machine. */
  logs(request: ServiceRequest, work: Work): Promise<string[]>;
}
