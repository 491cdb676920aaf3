/** What `lotse lsp` answers beside the standard protocol. */
import { RequestType, type Position, type Range } from 'vscode-languageclient';

export interface At {
  uri: string;
  position: Position;
}

/** The journey at a place, the step there marked in its picture. */
export interface Picture {
  svg: string;
  title: string;
}

/** The message at a place, as its recipient gets it. */
export interface Mail {
  subject: string;
  html: string;
  text: string;
}

/** A test of a journey, and where it stands. */
export interface Test {
  id: string;
  name: string;
  journey: string;
  uri: string;
  range: Range;
}

/** How a test went. Where it failed, `message` is the whole story. */
export interface Result {
  id: string;
  passed: boolean;
  message?: string;
  failures?: Failure[];
}

/** A line that expected something else, and what is so instead. */
export interface Failure {
  message: string;
  range: Range;
}

export const picture = new RequestType<At, Picture | null, void>('lotse/picture');
export const mail = new RequestType<At, Mail | null, void>('lotse/mail');
export const tests = new RequestType<{ uri?: string }, Test[], void>('lotse/tests');
export const runTests = new RequestType<{ ids?: string[] }, Result[], void>('lotse/runTests');

/** The commands of code lenses, which are for the editor and never go to the server. */
export const RUN_TEST = 'lotse.runTest';
export const SHOW_PICTURE = 'lotse.showPicture';
