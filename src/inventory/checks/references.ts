/** Services, stores and objectives that name one another. */
import { didYouMean, oneOf } from '../nearest.ts';
import type { Finding } from '../problem.ts';
import type { Store } from '../schema/store.ts';
import type { System } from '../schema/system.ts';
import { show } from '../show.ts';

function storesOf(system: System, type: Store['type']): string[] {
  return Object.keys(system.stores).filter((name) => system.stores[name]?.type === type);
}

export function healthStores(system: System): Finding[] {
  return Object.entries(system.services).flatMap(([name, { health }]): Finding[] => {
    const type = 'postgres' in health ? 'postgres' : 'redis' in health ? 'redis' : undefined;
    if (type === undefined) return [];
    const store = 'postgres' in health ? health.postgres : 'redis' in health ? health.redis : '';
    const known = storesOf(system, type);
    if (known.includes(store)) return [];
    const other = system.stores[store]?.type;
    return [
      {
        path: ['services', name, 'health', type],
        at: 'value',
        found: other ? `${show(store)}, a store of type ${other}` : show(store),
        expected:
          known.length > 0
            ? `a store of type ${type}: ${oneOf(known)}`
            : `a store of type ${type}; there is none`,
        ...(other ? { hint: `Write \`${other}: ${store}\`.` } : didYouMean(store, known)),
      },
    ];
  });
}

export function storeServices(system: System): Finding[] {
  const databases = Object.keys(system.services).filter((name) => system.services[name]?.role === 'database');
  return Object.entries(system.stores).flatMap(([name, store]): Finding[] => {
    const role = system.services[store.service]?.role;
    if (role === 'database') return [];
    return [
      {
        path: ['stores', name, 'service'],
        at: 'value',
        found: role ? `${show(store.service)}, an application` : show(store.service),
        expected:
          databases.length > 0
            ? `a service with role: database: ${oneOf(databases)}`
            : 'a service with role: database',
        ...(role
          ? {
              hint: `Add \`role: database\` to services.${store.service}: it then stops after its applications and the backup.`,
            }
          : didYouMean(store.service, databases)),
      },
    ];
  });
}

/** A validation that nothing could fail is none. */
export function validations(system: System): Finding[] {
  return Object.entries(system.stores).flatMap(([name, store]) =>
    (store.type === 'postgres' ? store.validations : []).flatMap(
      ({ atLeast, atMost, equals }, index): Finding[] => {
        const path = ['stores', name, 'validations', index];
        if (atLeast === undefined && atMost === undefined && equals === undefined) {
          return [
            {
              path,
              at: 'value',
              found: 'no limit',
              expected: 'atLeast, atMost or equals',
              hint: 'Without one it could never fail.',
            },
          ];
        }
        if (atLeast !== undefined && atMost !== undefined && atLeast > atMost) {
          return [
            {
              path: [...path, 'atMost'],
              at: 'value',
              found: String(atMost),
              expected: `at least ${atLeast}, as atLeast says`,
            },
          ];
        }
        return [];
      },
    ),
  );
}

/** Some tiers with objectives and others without is an oversight; none at all is only worth a warning. */
export function objectivesInUse(system: System): Finding[] {
  if (Object.keys(system.objectives).length === 0) return [];
  const tiers = [...new Set(Object.values(system.services).map(({ tier }) => tier))].sort((a, b) => a - b);
  return tiers
    .filter((tier) => !Object.hasOwn(system.objectives, String(tier)))
    .map((tier) => {
      const users = Object.keys(system.services).filter((name) => system.services[name]?.tier === tier);
      return {
        path: ['objectives', String(tier)],
        at: 'key' as const,
        found: 'nothing',
        expected: `rto and rpo of tier ${tier}`,
        hint: `Tier ${tier} is used by ${users.slice(0, 5).join(', ')}${users.length > 5 ? ', …' : ''}.`,
      };
    });
}

export function noObjectives(system: System): Finding[] {
  if (Object.keys(system.objectives).length > 0) return [];
  return [
    {
      path: ['objectives'],
      at: 'key',
      found: 'nothing',
      expected: 'rto and rpo by tier',
      hint: 'Without them a drill can measure a recovery, but not judge it.',
    },
  ];
}
