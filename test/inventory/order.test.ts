import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dependencies, findCycle, startWaves, stopOrder, type Services } from '../../src/inventory/order.ts';
import type { Service } from '../../src/inventory/schema/service.ts';

type Role = Service['role'];

const system = (services: Services['services']): Services => ({ services });

/** Any services without a cycle: each may need those drawn before it; a database only databases. Written in any order. */
const acyclic = fc
  .array(fc.record({ database: fc.boolean(), needs: fc.array(fc.nat(), { maxLength: 4 }) }), {
    maxLength: 12,
  })
  .chain((drawn) => {
    const role = (index: number): Role => (drawn[index]?.database ? 'database' : 'application');
    const services = drawn.map(({ needs }, index): [string, { role: Role; dependsOn: string[] }] => {
      const possible = drawn
        .map((_, other) => other)
        .filter((other) => other < index && (role(index) === 'application' || role(other) === 'database'));
      const chosen = possible.length === 0 ? [] : needs.map((need) => possible[need % possible.length] ?? 0);
      return [
        `s${(index * 7) % 13}`,
        { role: role(index), dependsOn: chosen.map((other) => `s${(other * 7) % 13}`) },
      ];
    });
    return fc
      .shuffledSubarray(services, { minLength: services.length })
      .map((any) => system(Object.fromEntries(any)));
  });

const wave = (waves: string[][], name: string): number => waves.findIndex((one) => one.includes(name));

describe('any system whose services do not depend on each other in a circle', () => {
  test('each service starts once, in a wave after everything it needs, and in none later than it must', () => {
    fc.assert(
      fc.property(acyclic, (one) => {
        const waves = startWaves(one);
        expect(waves.flat().sort()).toEqual(Object.keys(one.services).sort());
        for (const [name, needs] of dependencies(one)) {
          expect(wave(waves, name)).toBe(1 + Math.max(-1, ...needs.map((other) => wave(waves, other))));
        }
        expect(findCycle(one)).toBeNull();
      }),
    );
  });

  test('stopping is starting backwards, with every database after every application', () => {
    fc.assert(
      fc.property(acyclic, (one) => {
        const { applications, databases } = stopOrder(one);
        const all = [...applications, ...databases];
        expect(all.flat().sort()).toEqual(Object.keys(one.services).sort());
        for (const name of applications.flat()) expect(one.services[name]?.role).toBe('application');
        for (const name of databases.flat()) expect(one.services[name]?.role).toBe('database');
        for (const [name, needs] of dependencies(one)) {
          for (const other of needs) expect(wave(all, name)).toBeLessThan(wave(all, other));
        }
        const backwards = startWaves(one).reverse().flat();
        for (const part of [applications, databases]) {
          const names = part.flat();
          expect(backwards.filter((name) => names.includes(name))).toEqual(names);
        }
      }),
    );
  });

  test('the order of the file does not matter, and nothing is changed', () => {
    fc.assert(
      fc.property(acyclic, (one) => {
        const before = JSON.stringify(one);
        const turned = { services: Object.fromEntries(Object.entries(one.services).reverse()) };
        expect(startWaves(turned)).toEqual(startWaves(one));
        expect(stopOrder(turned)).toEqual(stopOrder(one));
        expect([...dependencies(turned)]).toEqual([...dependencies(one)]);
        expect(JSON.stringify(one)).toBe(before);
      }),
    );
  });
});

test('an ordinary system', () => {
  const shop = system({
    web: { role: 'application', dependsOn: ['api'] },
    api: { role: 'application', dependsOn: ['db', 'cache'] },
    mail: { role: 'application', dependsOn: [] },
    db: { role: 'database', dependsOn: [] },
    cache: { role: 'database', dependsOn: [] },
  });
  expect(startWaves(shop)).toEqual([['cache', 'db', 'mail'], ['api'], ['web']]);
  expect(stopOrder(shop)).toEqual({
    applications: [['web'], ['api'], ['mail']],
    databases: [['cache', 'db']],
  });
});

test('a circle is found wherever it is entered, and told from the first in the alphabet', () => {
  const need = (dependsOn: string[]) => ({ role: 'application' as const, dependsOn });
  const circle = system({ a: need(['d']), d: need(['c']), c: need(['b']), b: need(['d']), e: need([]) });
  expect(findCycle(circle)).toEqual(['b', 'd', 'c', 'b']);
  expect(() => startWaves(circle)).toThrow('services depend on each other: b → d → c → b');
  expect(findCycle(system({ a: need(['a']) }))).toEqual(['a', 'a']);
});
