/** Who needs whom: names that exist, and an order that has a beginning. */
import { didYouMean, oneOf } from '../nearest.ts';
import { findCycle } from '../order.ts';
import type { Finding } from '../problem.ts';
import type { System } from '../schema/system.ts';
import { show } from '../show.ts';

export function dependsOn(system: System): Finding[] {
  const known = Object.keys(system.services);
  return Object.entries(system.services).flatMap(([name, service]) =>
    service.dependsOn.flatMap((other, index): Finding[] => {
      const spot = { path: ['services', name, 'dependsOn', index], at: 'value' as const, found: show(other) };
      if (other === name) {
        return [
          {
            ...spot,
            expected: 'another service',
            hint: 'A service cannot wait for itself: remove this line.',
          },
        ];
      }
      if (!known.includes(other)) {
        const others = known.filter((one) => one !== name);
        return [
          {
            ...spot,
            expected: `a service: ${oneOf(others) || 'there is no other'}`,
            ...didYouMean(other, others),
          },
        ];
      }
      if (service.dependsOn.indexOf(other) < index) return [{ ...spot, expected: 'each service once' }];
      return [];
    }),
  );
}

/** One cycle at a time: when it is broken, the next is shown. A service that needs itself is told of above. */
export function cycles(system: System): Finding[] {
  const cycle = findCycle(system);
  const [first, second] = cycle ?? [];
  if (!cycle || first === undefined || second === undefined || first === second) return [];
  return [
    {
      path: ['services', first, 'dependsOn', system.services[first]?.dependsOn.indexOf(second) ?? 0],
      at: 'value',
      found: `a cycle: ${cycle.join(' → ')}`,
      expected: 'an order in which the services can start',
      hint: 'Remove one of these dependencies.',
    },
  ];
}

export function databasesOnApplications(system: System): Finding[] {
  return Object.entries(system.services).flatMap(([name, service]) =>
    service.dependsOn.flatMap((other, index): Finding[] => {
      if (service.role !== 'database' || system.services[other]?.role !== 'application') return [];
      return [
        {
          path: ['services', name, 'dependsOn', index],
          at: 'value',
          found: `${show(other)}, an application`,
          expected: 'a service with role: database',
          hint: `Databases stop last, so ${other} would be gone before ${name}. Give it role: database too.`,
        },
      ];
    }),
  );
}

/** Two services that ask the very same address: most often copied, and then one of them is never looked at. */
export function sameQuestion(system: System): Finding[] {
  const first = new Map<string, string>();
  return Object.entries(system.services).flatMap(([name, { health }]): Finding[] => {
    const asked =
      'http' in health
        ? health.http.url
        : 'tcp' in health
          ? `${health.tcp.host}:${health.tcp.port}`
          : undefined;
    if (asked === undefined) return [];
    const other = first.get(asked);
    if (other === undefined) {
      first.set(asked, name);
      return [];
    }
    return [
      {
        path: ['services', name, 'health'],
        at: 'key',
        found: `the health check of ${other}`,
        expected: `a check of ${name} itself`,
      },
    ];
  });
}
