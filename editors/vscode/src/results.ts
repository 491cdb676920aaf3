/** Tests as the Test Explorer lists them. */
import type { Test } from './protocol';

/** The tests of each file, files by their address, tests in the order of the text. */
export function byFile(tests: Test[]): Map<string, Test[]> {
  const files = new Map<string, Test[]>();
  for (const test of tests) {
    const inside = files.get(test.uri);
    if (inside) {
      inside.push(test);
    } else {
      files.set(test.uri, [test]);
    }
  }
  for (const inside of files.values()) inside.sort((a, b) => a.range.start.line - b.range.start.line);
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}
