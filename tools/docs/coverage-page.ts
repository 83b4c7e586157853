/** docs/coverage.md: which procedure is carried by which runbook, and which test shows it. */
import { type Covered, coverage, stateText } from '../procedures/coverage.ts';
import { realParts } from '../procedures/tags.ts';
import { code, generatedBy, table } from './markdown.ts';

export async function coveragePage(): Promise<string> {
  const all = await coverage();
  const systems = [...new Set(all.map(({ system }) => system))];
  const count = (state: Covered['state']) => all.filter((one) => one.state === state).length;
  return [
    '# Procedures and what carries them',
    generatedBy,
    `Five operations teams wrote their procedures down: ${all.length} of them. The titles are in [procedures.yaml](procedures.yaml). A procedure is **covered** when a test runs it against real parts, on its own system's inventory. Those inventories are not part of this version, so nothing is covered yet: a procedure is at most **carried**, which says that a test runs it against real parts on the demonstration system.`,
    `Today: ${count('carried')} carried, ${count('untested')} with a runbook and no such test, ${count('not yet')} not yet.`,
    `A test says itself what it shows, by the ids at the end of its title: \`… [J9]\`. It counts below ${realParts.map(code).join(' and ')} alone, where every server is real and nothing is answered from memory. \`npm run procedures\` adds what those tests said when they last ran; \`npm run procedures -- --run\` runs them.`,
    ...systems.map((system) =>
      section(
        system,
        all.filter((one) => one.system === system),
      ),
    ),
  ].join('\n\n');
}

function section(system: string, rows: readonly Covered[]): string {
  return [
    `## ${system}`,
    table(
      ['Id', 'Procedure', 'Runbook', 'Tests', 'State'],
      rows.map((row) => [
        row.id,
        row.title,
        row.runbooks.map((name) => `[${code(name)}](runbooks.md#${name})`).join(', '),
        tests(row),
        stateText(row),
      ]),
    ),
  ].join('\n\n');
}

function tests({ tests }: Covered): string {
  const files = [...new Set(tests.map(({ file }) => file))];
  return files
    .map((file) => {
      const count = tests.filter((test) => test.file === file).length;
      return `[${file.split('/').at(-1) ?? file}](../${file})${count > 1 ? ` (${count})` : ''}`;
    })
    .join(', ');
}
