/** Backups: of stores that exist, to a place that can be reached, signed if possible. */
import { didYouMean, oneOf } from '../nearest.ts';
import type { Finding } from '../problem.ts';
import type { System } from '../schema/system.ts';
import { show } from '../show.ts';

export function backupComponents(system: System): Finding[] {
  const known = Object.keys(system.stores);
  const components = system.backup?.components ?? [];
  return components.flatMap((component, index): Finding[] => {
    const spot = { path: ['backup', 'components', index], at: 'value' as const, found: show(component) };
    if (!known.includes(component)) {
      const expected = known.length > 0 ? `a store: ${oneOf(known)}` : 'a store; there is none';
      const isService = Object.hasOwn(system.services, component);
      const store = known.find((name) => system.stores[name]?.service === component);
      if (isService && store)
        return [{ ...spot, expected, hint: `${component} is a service; its store is ${store}.` }];
      return [{ ...spot, expected, ...didYouMean(component, known) }];
    }
    return components.indexOf(component) < index ? [{ ...spot, expected: 'each store once' }] : [];
  });
}

/** Half a pair of keys is used by nobody: the other half would come from somewhere else. */
export function secretPairs(system: System): Finding[] {
  const destination = system.backup?.destination;
  if (destination?.type !== 's3') return [];
  const { accessKeyId, secretAccessKey } = destination;
  if ((accessKeyId === undefined) === (secretAccessKey === undefined)) return [];
  const missing = accessKeyId === undefined ? 'accessKeyId' : 'secretAccessKey';
  return [
    {
      path: ['backup', 'destination', missing],
      at: 'value',
      found: 'nothing',
      expected: 'both accessKeyId and secretAccessKey, or neither',
    },
  ];
}

export function unsignedBackups(system: System): Finding[] {
  if (!system.backup || system.backup.signing) return [];
  return [
    {
      path: ['backup', 'signing'],
      at: 'key',
      found: 'nothing',
      expected: 'a key that signs manifests',
      hint: 'Whoever can write to the destination can change an unsigned backup unseen.',
    },
  ];
}
