/** Who holds a system: read from the lock's own workflow. */
import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/common';
import type { Activities } from './contract.ts';

export function createLockActivities(): Pick<Activities, 'lockHolder'> {
  return {
    async lockHolder({ workflowId }) {
      try {
        const described = await Context.current().client.workflow.getHandle(workflowId).describe();
        if (described.status.name !== 'RUNNING') return null;
        const memo = described.memo ?? {};
        const word = (key: string): string => {
          const value = memo[key];
          return typeof value === 'string' ? value : 'unknown';
        };
        return { runbook: word('runbook'), holder: word('holder'), by: word('by'), since: word('since') };
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      }
    },
  };
}
