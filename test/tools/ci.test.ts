import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { expect, test } from 'vitest';

import { CommandFailed, run } from '../../tools/lib/run.ts';
import { temporaryDirectory } from '../support/servers.ts';

const root = path.dirname(path.dirname(import.meta.dirname));

/**
 * Runs .ci/run where `npm` is a stand-in: `failing` is a word of the command that shall fail, `tests` the last line that
 * `npm test` prints. Resolves with the exit code and the very last line.
 */
async function ci(failing: string, tests: string): Promise<{ code: number; last: string; output: string }> {
  const project = await temporaryDirectory();
  await mkdir(path.join(project, 'bin'));
  await cp(path.join(root, '.ci'), path.join(project, '.ci'), { recursive: true });
  await writeFile(
    path.join(project, 'bin', 'npm'),
    `#!/bin/sh
case "$*" in
  *"$FAILING"*) status=1 ;;
  *) status=0 ;;
esac
if [ "$*" = "--silent test" ]; then
  [ "$RUNBOOK_REQUIRE_ALL" = 1 ] && echo 'every test is required'
  printf '%s\\n' "$TESTS"
  case "$TESTS" in *" 0 failed"*) ;; *) status=1 ;; esac
fi
exit $status
`,
    { mode: 0o755 },
  );
  const env = {
    PATH: `${path.join(project, 'bin')}:${process.env['PATH'] ?? ''}`,
    FAILING: failing,
    TESTS: tests,
  };
  const finished = await run(path.join(project, '.ci', 'run'), [], { env }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: unknown) => {
      if (error instanceof CommandFailed) return { code: error.exitCode ?? -1, stdout: error.stdout };
      throw error;
    },
  );
  return {
    code: finished.code,
    last: finished.stdout.trimEnd().split('\n').at(-1) ?? '',
    output: finished.stdout,
  };
}

test.each([
  ['all is well', 'nothing', '41 passed, 0 failed', 0, '41 passed, 0 failed'],
  ['two tests fail', 'nothing', '39 passed, 2 failed', 1, '39 passed, 2 failed'],
  ['lint fails', 'run lint', '41 passed, 0 failed', 1, '41 passed, 1 failed'],
  ['lint and a test fail', 'run lint', '40 passed, 1 failed', 1, '40 passed, 2 failed'],
  [
    'skipped tests count as failed',
    'nothing',
    '40 passed, 1 failed, 1 skipped',
    1,
    '40 passed, 1 failed, 1 skipped',
  ],
  ['no test ran', 'nothing', '0 passed, 0 failed', 1, '0 passed, 1 failed'],
  ['the tests say nothing', 'nothing', 'Killed', 1, '0 passed, 1 failed'],
  ['every test passes and the run fails', '--silent test', '41 passed, 0 failed', 1, '41 passed, 1 failed'],
  ['the packages cannot be had', 'ci', '41 passed, 0 failed', 1, '0 passed, 1 failed'],
  ['the tools cannot be had', 'setup', '41 passed, 0 failed', 1, '0 passed, 1 failed'],
])('%s', async (_, failing, tests, code, last) => {
  const result = await ci(failing, tests);
  expect(result).toMatchObject({ code, last });
  expect(result.output.includes('every test is required')).toBe(!['ci', 'setup'].includes(failing));
});
