/** The activities about stores: each goes to the code of the store's kind. A new kind is one file and one line here. */
import type { Activities } from '../contract.ts';
import { failure } from '../failures.ts';
import { effect, withProbe } from '../work.ts';
import type { StoreKind, StoreRequest } from './contract.ts';
import { captureEvidence, classifyDamage, postgresKind, probe, rebuildIndexes } from './postgres/index.ts';
import { probeRedis, redisKind } from './redis/index.ts';

const kinds: Readonly<Record<StoreRequest['spec']['type'], StoreKind>> = {
  postgres: postgresKind,
  redis: redisKind,
};

type StoreActivities = Pick<
  Activities,
  | 'probeStore'
  | 'classifyDamage'
  | 'captureEvidence'
  | 'rebuildIndexes'
  | 'dumpStore'
  | 'restoreBeside'
  | 'compareReplacement'
  | 'swapIn'
  | 'swapBack'
  | 'discardReplacement'
  | 'purgeKept'
>;

export function createStoreActivities(): StoreActivities {
  return {
    probeStore: async (request) =>
      await withProbe(async (work) =>
        request.spec.type === 'redis' ? await probeRedis(request, work) : await probe(request, work),
      ),
    classifyDamage: async (request) =>
      await withProbe(async (work) => await classifyDamage(postgresOnly(request), work)),
    captureEvidence: effect((request) => (postgresOnly(request), captureEvidence)),
    rebuildIndexes: effect((request) => (postgresOnly(request), rebuildIndexes)),
    dumpStore: effect((request) => kindOf(request).dump),
    restoreBeside: effect((request) => kindOf(request).restoreBeside),
    compareReplacement: async (request) =>
      await withProbe(async (work) => await kindOf(request).compare(request, work)),
    swapIn: effect((request) => kindOf(request).swap),
    swapBack: effect((request) => kindOf(request).swapBack),
    discardReplacement: effect((request) => kindOf(request).discard),
    purgeKept: effect((request) => kindOf(request).purgeKept),
  };
}

/** A Redis server checks its own files when it starts, and has no indexes: there is nothing of the kind to look at. */
function postgresOnly<Request extends StoreRequest>(request: Request): Request {
  if (request.spec.type === 'postgres') return request;
  throw failure('Unsupported', {
    what: `${request.store} of ${request.system} is a ${request.spec.type} store: only a PostgreSQL store can be examined for damage.`,
    retryable: false,
  });
}

function kindOf({ spec }: StoreRequest): StoreKind {
  return kinds[spec.type];
}
