/** The tests of journeys in the Test Explorer. */
import * as vscode from 'vscode';

import { runTests, tests, type Failure, type Result, type Test } from './protocol';
import { byFile } from './results';
import { said, type Server } from './server';

/** How long nobody types before the tests are listed anew, in milliseconds. */
const REST = 400;

export class Tests implements vscode.Disposable {
  readonly #controller = vscode.tests.createTestController('lotse', 'Lotse journeys');
  readonly #profile: vscode.TestRunProfile;
  readonly #listeners: vscode.Disposable[];
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly server: Server) {
    this.#controller.refreshHandler = (token) => this.#list(token);
    this.#profile = this.#controller.createRunProfile(
      'Run',
      vscode.TestRunProfileKind.Run,
      (request, token) => this.#run(request, token),
      true,
    );
    this.#listeners = [
      server.onStarted(() => void this.#list()),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (document.languageId === 'journey') this.#later();
      }),
      vscode.workspace.onDidDeleteFiles(() => this.#later()),
    ];
  }

  /** Runs one test, as its code lens asks for. */
  async run(id: string): Promise<void> {
    await this.#list();
    const item = this.#items().get(id);
    if (item) await this.#run(new vscode.TestRunRequest([item], undefined, this.#profile), undefined);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#listeners.forEach((listener) => void listener.dispose());
    this.#controller.dispose();
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#list(), REST);
  }

  async #list(token?: vscode.CancellationToken): Promise<void> {
    const found = await this.server.ask(tests, {}, token);
    if (!found || token?.isCancellationRequested) return;
    const files = [...byFile(found)].map(([uri, inside]) => this.#file(vscode.Uri.parse(uri), inside));
    this.#controller.items.replace(files);
  }

  #file(uri: vscode.Uri, inside: Test[]): vscode.TestItem {
    const file = this.#controller.createTestItem(uri.toString(), vscode.workspace.asRelativePath(uri), uri);
    file.children.replace(
      inside.map((test) => {
        const item = this.#controller.createTestItem(test.id, test.name, uri);
        item.description = test.journey;
        item.range = range(test.range);
        return item;
      }),
    );
    return file;
  }

  /** Every test by its id. */
  #items(): Map<string, vscode.TestItem> {
    const items = new Map<string, vscode.TestItem>();
    this.#controller.items.forEach((file) => file.children.forEach((item) => items.set(item.id, item)));
    return items;
  }

  async #run(request: vscode.TestRunRequest, token: vscode.CancellationToken | undefined): Promise<void> {
    const left = new Set((request.exclude ?? []).map((item) => item.id));
    const wanted = [...this.#items().values()].filter(
      (item) =>
        !left.has(item.id) &&
        !left.has(item.parent?.id ?? '') &&
        (request.include?.some((asked) => asked.id === item.id || asked.id === item.parent?.id) ?? true),
    );
    const run = this.#controller.createTestRun(request);
    wanted.forEach((item) => run.started(item));
    try {
      const results = await this.server.demand(runTests, { ids: wanted.map((item) => item.id) }, token);
      const told = new Map(results.map((result) => [result.id, result]));
      for (const item of wanted) await report(run, item, told.get(item.id));
    } catch (error) {
      // A workspace with mistakes runs no test.
      const why = new vscode.TestMessage(said(error));
      for (const item of wanted) run.errored(item, why);
    }
    run.end();
  }
}

async function report(run: vscode.TestRun, item: vscode.TestItem, result: Result | undefined): Promise<void> {
  if (!result) {
    run.skipped(item);
    return;
  }
  const told = result.passed ? 'passed' : (result.message ?? 'failed');
  run.appendOutput(`${item.label}: ${told}\n`.replace(/\r?\n/g, '\r\n'), undefined, item);
  if (result.passed) {
    run.passed(item);
  } else {
    run.failed(item, await Promise.all((result.failures ?? []).map((failure) => message(item, failure))));
  }
}

/** What was otherwise, at the line that expected it. */
async function message(item: vscode.TestItem, failure: Failure): Promise<vscode.TestMessage> {
  const where = range(failure.range);
  if (!item.uri || where.isEqual(item.range ?? where)) return new vscode.TestMessage(failure.message);
  const document = await vscode.workspace.openTextDocument(item.uri);
  const told = vscode.TestMessage.diff(failure.message, document.getText(where), failure.message);
  told.location = new vscode.Location(item.uri, where);
  return told;
}

function range({ start, end }: Test['range']): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}
