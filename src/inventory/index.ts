/** The inventories of all systems: loaded, validated, explained. The only door of this folder for those who read files. */
import { inventoryFiles, readText } from './files.ts';
import { parseSystem, type Parsed } from './parse.ts';
import { tidy, type Problem } from './problem.ts';
import type { System } from './schema/system.ts';

export { inventoryFiles } from './files.ts';
export { parseSystem, type Parsed } from './parse.ts';
export { didYouMean } from './nearest.ts';
export { formatProblem, type Problem } from './problem.ts';

export interface Inventory {
  /** By name, in the order of the files. Those with problems are not among them. */
  systems: Map<string, System>;
  problems: Problem[];
  warnings: Problem[];
}

/** Every `*.yaml` and `*.yml` of a directory. One broken file does not keep the others from being used. Never throws. */
export async function loadInventory(directory: string): Promise<Inventory> {
  const { files, problems } = await inventoryFiles(directory);
  const inventory: Inventory = { systems: new Map(), problems: [...problems], warnings: [] };
  const homes = new Map<string, string>();
  for (const file of files) {
    const { system, problems, warnings } = await loadSystemFile(file);
    inventory.problems.push(...problems);
    inventory.warnings.push(...warnings);
    if (!system) continue;
    const other = homes.get(system.name);
    if (other === undefined) {
      homes.set(system.name, file);
      inventory.systems.set(system.name, system);
    } else {
      inventory.systems.delete(system.name);
      inventory.problems.push(twice(file, other, system.name));
    }
  }
  return {
    systems: inventory.systems,
    problems: tidy(inventory.problems),
    warnings: tidy(inventory.warnings),
  };
}

/** One inventory file. Never throws: what cannot be read is a problem too. */
export async function loadSystemFile(path: string): Promise<Parsed> {
  const read = await readText(path);
  if ('problem' in read) return { problems: [read.problem], warnings: [] };
  return parseSystem(read.text, path);
}

/** Which of the two was meant cannot be known, so neither is used. */
function twice(file: string, other: string, name: string): Problem {
  return {
    file,
    line: 1,
    column: 1,
    path: 'name',
    found: `the system ${name}, which ${other} is too`,
    expected: 'one file for one system',
    hint: 'Remove one of the two files; until then neither is used.',
  };
}
