/** In which order services start and stop. Pure, and without Node's modules: workflows use it too. */
import type { Service } from './schema/service.ts';

/** As much of a system as its order depends on. */
export interface Services {
  services: Record<string, Pick<Service, 'role' | 'dependsOn'>>;
}

/** What each service needs before it starts: names sorted, each once. Only services that exist (an inventory is validated). */
export function dependencies(system: Services): Map<string, string[]> {
  const known = Object.keys(system.services).sort();
  return new Map(
    known.map((name) => {
      const needs = new Set(system.services[name]?.dependsOn ?? []);
      return [name, known.filter((other) => needs.has(other))];
    }),
  );
}

/** A cycle, as `a → b → a` reads: first and last are the same, beginning with the first in the alphabet. Null without one. */
export function findCycle(system: Services): string[] | null {
  const needs = dependencies(system);
  const finished = new Set<string>();
  const visit = (name: string, way: string[]): string[] | null => {
    const start = way.indexOf(name);
    if (start >= 0) return way.slice(start);
    if (finished.has(name)) return null;
    for (const next of needs.get(name) ?? []) {
      const cycle = visit(next, [...way, name]);
      if (cycle) return cycle;
    }
    finished.add(name);
    return null;
  };
  for (const name of needs.keys()) {
    const cycle = visit(name, []);
    if (!cycle) continue;
    const first = cycle.indexOf([...cycle].sort()[0] ?? '');
    const turned = [...cycle.slice(first), ...cycle.slice(0, first)];
    return [...turned, ...turned.slice(0, 1)];
  }
  return null;
}

/**
 * Waves of services to start: all of a wave may start together, once every wave before it is healthy.
 * Names are sorted within a wave. Throws a RangeError for a cycle, which a validated inventory has not.
 */
export function startWaves(system: Services): string[][] {
  const needs = dependencies(system);
  const waves: string[][] = [];
  const started = new Set<string>();
  while (started.size < needs.size) {
    const wave = [...needs.keys()].filter(
      (name) => !started.has(name) && needs.get(name)?.every((other) => started.has(other)),
    );
    if (wave.length === 0) {
      throw new RangeError(`services depend on each other: ${findCycle(system)?.join(' → ') ?? 'a cycle'}`);
    }
    waves.push(wave);
    for (const name of wave) started.add(name);
  }
  return waves;
}

/**
 * Waves of services to stop: what depends on others stops before them, and databases stop after every application,
 * so that a backup can be taken in between.
 */
export function stopOrder(system: Services): { applications: string[][]; databases: string[][] } {
  const reversed = startWaves(system).reverse();
  const only = (role: 'application' | 'database'): string[][] =>
    reversed
      .map((wave) => wave.filter((name) => system.services[name]?.role === role))
      .filter((wave) => wave.length > 0);
  return { applications: only('application'), databases: only('database') };
}
