/** Finding the program `lotse`. */
import * as path from 'node:path';

/** What the search looks at. */
export interface Surroundings {
  platform: NodeJS.Platform;
  home: string;
  /** The variable `PATH`. */
  path: string | undefined;
  /** Whether a file is there and may be run. */
  runs: (file: string) => boolean;
}

/** The program, or what to tell a person who has none. */
export type Found = { file: string } | { missing: string };

/**
 * The program that the setting `lotse.path` names, or else the first on the `PATH`, or else where
 * `cargo install` puts it, which an editor that was started from a menu often does not see.
 */
export function find(setting: string, around: Surroundings): Found {
  const paths = around.platform === 'win32' ? path.win32 : path.posix;
  const named = setting.trim().replace(/^~(?=[\\/])/, around.home);
  if (named !== '') {
    return around.runs(named)
      ? { file: named }
      : { missing: `there is no program \`${named}\`, which the setting lotse.path names` };
  }
  const name = around.platform === 'win32' ? 'lotse.exe' : 'lotse';
  const folders = [...(around.path ?? '').split(paths.delimiter), paths.join(around.home, '.cargo', 'bin')];
  const file = folders
    .filter((folder) => folder !== '')
    .map((folder) => paths.join(folder, name))
    .find(around.runs);
  return file === undefined
    ? { missing: 'the program `lotse` is not on the PATH: install it, or name it in the setting lotse.path' }
    : { file };
}
