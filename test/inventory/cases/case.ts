/** One mistake in `fixtures/small.yaml`, and every line that is said about it. */
export interface Case {
  title: string;
  /** Stands in the file exactly once. */
  replace: string;
  by: string;
  says: string[];
}
