/** The language server: started, and started again when its setting changes. */
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';

import * as vscode from 'vscode';
import { LanguageClient, RevealOutputChannelOn, type Middleware, type RequestType } from 'vscode-languageclient/node';

import { find } from './program';

/** What a failure says, for people. */
export function said(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}

/** The texts that the server may have something to say about; of pages it has where a message names them. */
export const DOCUMENTS = [
  { scheme: 'file', language: 'journey' },
  { scheme: 'untitled', language: 'journey' },
  { scheme: 'file', pattern: '**/lotse.yaml' },
  { scheme: 'file', pattern: '**/*.{mjml,html,txt}' },
];

export class Server implements vscode.Disposable {
  #client: LanguageClient | undefined;
  readonly #started = new vscode.EventEmitter<void>();
  /** Told whenever a server is ready, the first one and each after it. */
  readonly onStarted = this.#started.event;

  constructor(
    private readonly log: vscode.LogOutputChannel,
    private readonly middleware: Middleware,
  ) {}

  /** Starts the server; one that runs is stopped first. Where there is no program, the author is told what to do. */
  async start(): Promise<void> {
    await this.stop();
    const found = find(vscode.workspace.getConfiguration('lotse').get('path', ''), {
      platform: process.platform,
      home: homedir(),
      path: process.env['PATH'],
      runs,
    });
    if ('missing' in found) {
      await this.#missing(found.missing);
      return;
    }
    this.log.info(`starting ${found.file}`);
    const client = new LanguageClient(
      'lotse',
      'Lotse',
      { command: found.file, args: ['lsp'] },
      {
        documentSelector: DOCUMENTS,
        outputChannel: this.log,
        revealOutputChannelOn: RevealOutputChannelOn.Never,
        middleware: this.middleware,
      },
    );
    this.#client = client;
    try {
      await client.start();
      this.#started.fire();
    } catch (error) {
      await this.#missing(`\`${found.file} lsp\` cannot be started: ${said(error)}`);
    }
  }

  /** Asks the server. It fails with what to tell the author where there is no answer. */
  async demand<P, R>(what: RequestType<P, R, void>, params: P, token?: vscode.CancellationToken): Promise<R> {
    if (!this.#client?.isRunning()) throw new Error('the language server does not run');
    // A token that is not there would be taken for one more parameter.
    return token
      ? this.#client.sendRequest<R>(what.method, params, token)
      : this.#client.sendRequest<R>(what.method, params);
  }

  /** Asks the server; nothing where there is no answer. */
  async ask<P, R>(what: RequestType<P, R, void>, params: P, token?: vscode.CancellationToken): Promise<R | undefined> {
    try {
      return await this.demand(what, params, token);
    } catch (error) {
      if (!token?.isCancellationRequested) this.log.warn(`${what.method}: ${String(error)}`);
      return undefined;
    }
  }

  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.dispose().catch((error: unknown) => this.log.warn(String(error)));
  }

  dispose(): void {
    this.#started.dispose();
    void this.stop();
  }

  async #missing(why: string): Promise<void> {
    this.log.error(why);
    const [settings, again] = ['Open settings', 'Try again'];
    const chosen = await vscode.window.showErrorMessage(`Lotse: ${why}`, settings, again);
    if (chosen === settings) await vscode.commands.executeCommand('workbench.action.openSettings', 'lotse.path');
    if (chosen === again) await this.start();
  }
}

function runs(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
