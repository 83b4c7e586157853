/** Temporal's time-skipping test server, through the SDK's test environment. */
import { TestWorkflowEnvironment } from '@temporalio/testing';

import { ensure } from '../setup.ts';
import { searchAttributes } from './temporal.ts';

/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const KEYWORD = 2;

/**
 * Starts a server whose timers pass at once while a result is awaited; `teardown()` ends it. One per test file: time
 * is global to it. It knows no schedules and little visibility, and ignores the parent-close policy: give each test
 * a system name of its own, and test locks on the dev server.
 */
export async function startTimeSkipping(): Promise<TestWorkflowEnvironment> {
  const executable = await ensure('time-skipping');
  const environment = await create(executable);
  await environment.connection.operatorService.addSearchAttributes({
    namespace: environment.namespace ?? 'default',
    searchAttributes: Object.fromEntries(Object.keys(searchAttributes).map((name) => [name, KEYWORD])),
  });
  return environment;
}

/** The SDK gives the server five seconds to answer, which a loaded machine may not have for a Java program. */
async function create(executable: string | undefined, triesLeft = 5): Promise<TestWorkflowEnvironment> {
  try {
    return await TestWorkflowEnvironment.createTimeSkipping(
      executable === undefined ? {} : { server: { executable: { type: 'existing-path', path: executable } } },
    );
  } catch (error) {
    if (triesLeft <= 1 || !/did not start within/.test((error as Error).message)) throw error;
    return await create(executable, triesLeft - 1);
  }
}
