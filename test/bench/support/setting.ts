/** What every benchmark is given. */
import type { Options } from './options.ts';
import type { Stage } from './stage.ts';

export interface Setting {
  stage: Stage;
  options: Options;
}
