/** The activities that start, stop, ask and drain services, on whichever platform. A new platform is one line here. */
import type { Activities } from '../contract.ts';
import { effect, withProbe } from '../work.ts';
import { archiving } from './archive.ts';
import { checkHealth } from './checks/index.ts';
import type { Platform, ServiceRequest } from './contract.ts';
import { awaitHealthy } from './health.ts';
import { preflight } from './preflight.ts';
import { processPlatform } from './process/index.ts';
import { awaitDrained, closing, opening } from './traffic.ts';

const platforms: Record<ServiceRequest['spec']['platform']['type'], Platform> = { process: processPlatform };

function platformOf(request: ServiceRequest): Platform {
  return platforms[request.spec.platform.type];
}

/** Where what asks about several services at once finds each one's platform. */
const anyPlatform: Platform = {
  state: async (request, work) => await platformOf(request).state(request, work),
  start: {
    observe: async (request, work) => await platformOf(request).start.observe(request, work),
    act: async (request, work) => await platformOf(request).start.act(request, work),
  },
  stop: {
    observe: async (request, work) => await platformOf(request).stop.observe(request, work),
    act: async (request, work) => await platformOf(request).stop.act(request, work),
  },
  logs: async (request, work) => await platformOf(request).logs(request, work),
};

type PlatformActivities = Pick<
  Activities,
  | 'serviceState'
  | 'startService'
  | 'stopService'
  | 'checkService'
  | 'awaitHealthy'
  | 'closeTraffic'
  | 'openTraffic'
  | 'awaitDrained'
  | 'preflight'
  | 'archiveLogs'
>;

export function createPlatformActivities(): PlatformActivities {
  return {
    serviceState: async (request) => await withProbe(async (work) => await anyPlatform.state(request, work)),
    startService: effect(anyPlatform.start),
    stopService: effect(anyPlatform.stop),
    checkService: async (request) => await withProbe(async (work) => await checkHealth(request, work.signal)),
    awaitHealthy: async (request) =>
      await withProbe(async (work) => await awaitHealthy(anyPlatform, request, work)),
    closeTraffic: effect(closing(anyPlatform)),
    openTraffic: effect(opening),
    awaitDrained: async (request) =>
      await withProbe(async (work) => await awaitDrained(anyPlatform, request, work)),
    preflight: async ({ services }) =>
      await withProbe(async (work) => await preflight(anyPlatform, services, work)),
    archiveLogs: effect(archiving(anyPlatform)),
  };
}
