/** The typed search attributes by which runs are found: in this command, in the Temporal UI, in `temporal workflow list`. */
import type { temporal } from '@temporalio/proto';
import { searchAttributes } from '../workflows/contract.ts';
import { grpc, grpcCode, grpcDetails } from './grpc.ts';

/** The operator service of either kind of connection. */
export interface OperatorConnection {
  operatorService: {
    addSearchAttributes(request: {
      namespace: string;
      searchAttributes: Record<string, temporal.api.enums.v1.IndexedValueType>;
    }): Promise<unknown>;
    listSearchAttributes(request: {
      namespace: string;
    }): Promise<{ customAttributes?: Record<string, temporal.api.enums.v1.IndexedValueType> | null }>;
  };
}

export interface Ensured {
  added: string[];
  /** What a person must do by hand, and why; undefined when all attributes exist. */
  warning?: string;
}

const wanted: readonly string[] = Object.values(searchAttributes);
/** INDEXED_VALUE_TYPE_KEYWORD of Temporal's API. */
const keyword: temporal.api.enums.v1.IndexedValueType = 2;

/**
 * Adds those of the four Keyword attributes that the namespace lacks. Safe to repeat and to race. Never throws for a
 * missing permission: it answers with a warning that holds the command for somebody who may.
 */
export async function ensureSearchAttributes(
  connection: OperatorConnection,
  namespace: string,
): Promise<Ensured> {
  const byHand = `temporal operator search-attribute create --namespace ${namespace} ${wanted
    .map((name) => `--name ${name} --type Keyword`)
    .join(' ')}`;
  let present: Record<string, temporal.api.enums.v1.IndexedValueType>;
  try {
    present = (await connection.operatorService.listSearchAttributes({ namespace })).customAttributes ?? {};
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return {
      added: [],
      warning: `The search attributes cannot be looked at (${grpcDetails(error)}). If they are missing: ${byHand}`,
    };
  }
  const wrong = wanted.filter((name) => present[name] !== undefined && present[name] !== keyword);
  if (wrong.length > 0) {
    return {
      added: [],
      warning: `Search attribute ${wrong.join(', ')} exists with another type than Keyword: runs will fail to start.`,
    };
  }
  const added: string[] = [];
  for (const name of wanted.filter((candidate) => present[candidate] === undefined)) {
    try {
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: { [name]: keyword },
      });
      added.push(name);
    } catch (error) {
      if (grpcCode(error) === grpc.alreadyExists || /already exist/i.test(grpcDetails(error))) continue;
      if (!isRefusal(error)) throw error;
      return {
        added,
        warning: `No permission to add search attributes (${grpcDetails(error)}). Somebody who may must run: ${byHand}`,
      };
    }
  }
  return { added };
}

/** Refused or not offered (Temporal Cloud has no operator service): a person's matter, not a crash. */
function isRefusal(error: unknown): boolean {
  const refusals: unknown[] = [grpc.permissionDenied, grpc.unauthenticated, grpc.unimplemented];
  return refusals.includes(grpcCode(error));
}
