/** The preview: the picture of the journey at the cursor, and the mail there. */
import { randomBytes } from 'node:crypto';

import * as vscode from 'vscode';

import { mail, picture, type At } from '../protocol';
import { DOCUMENTS, said, type Server } from '../server';
import { address, page } from './page';
import type { Told } from './view';

/** How long the cursor rests before the preview follows, in milliseconds. */
const REST = 120;

export class Preview implements vscode.Disposable {
  #panel: vscode.WebviewPanel | undefined;
  #asked: vscode.CancellationTokenSource | undefined;
  #timer: NodeJS.Timeout | undefined;
  #at: At | undefined;
  readonly #listeners: vscode.Disposable[];

  constructor(
    private readonly server: Server,
    private readonly extension: vscode.Uri,
  ) {
    const follow = (editor: vscode.TextEditor | undefined): void => {
      if (editor && vscode.languages.match(DOCUMENTS, editor.document)) {
        this.#follow(place(editor.document, editor.selection.active));
      }
    };
    this.#listeners = [
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => follow(textEditor)),
      vscode.window.onDidChangeActiveTextEditor(follow),
      // The cursor does not move with an edit elsewhere, such as an undo.
      vscode.workspace.onDidChangeTextDocument(() => this.#at && this.#follow(this.#at)),
      server.onStarted(() => this.#at && this.#follow(this.#at)),
    ];
  }

  /** Opens the preview beside the text, for a place or else for the cursor. */
  show(at?: At): void {
    if (!this.#panel) {
      this.#panel = this.#open();
    } else {
      this.#panel.reveal(undefined, true);
    }
    const editor = vscode.window.activeTextEditor;
    const here = at ?? (editor && place(editor.document, editor.selection.active));
    if (here) this.#follow(here);
  }

  dispose(): void {
    this.#listeners.forEach((listener) => void listener.dispose());
    this.#panel?.dispose();
  }

  #open(): vscode.WebviewPanel {
    const roots = [vscode.Uri.joinPath(this.extension, 'dist'), vscode.Uri.joinPath(this.extension, 'media')];
    const panel = vscode.window.createWebviewPanel(
      'lotse.preview',
      'Lotse preview',
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true },
      // A page that was hidden keeps what it shows.
      { enableScripts: true, localResourceRoots: roots, retainContextWhenHidden: true },
    );
    const file = (...parts: string[]): string =>
      panel.webview.asWebviewUri(vscode.Uri.joinPath(this.extension, ...parts)).toString();
    panel.webview.html = page(
      panel.webview.cspSource,
      file('dist', 'view.js'),
      file('media', 'preview.css'),
      randomBytes(16).toString('base64'),
    );
    panel.onDidDispose(() => {
      clearTimeout(this.#timer);
      this.#asked?.cancel();
      this.#panel = undefined;
    });
    return panel;
  }

  #follow(at: At): void {
    this.#at = at;
    if (!this.#panel) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#fill(at), REST);
  }

  async #fill(at: At): Promise<void> {
    this.#asked?.cancel();
    const asked = (this.#asked = new vscode.CancellationTokenSource());
    const [drawn, written] = await Promise.allSettled([
      this.server.demand(picture, at, asked.token),
      this.server.demand(mail, at, asked.token),
    ]);
    if (asked.token.isCancellationRequested) return;
    const journey = drawn.status === 'fulfilled' ? drawn.value : null;
    const told: Told = {
      picture: journey && { title: journey.title ?? journey.journey, address: address(journey.svg) },
      mail: written.status === 'fulfilled' ? written.value : null,
      note: [drawn, written]
        .flatMap((answer) => (answer.status === 'rejected' ? [said(answer.reason)] : []))
        .join('\n'),
    };
    await this.#panel?.webview.postMessage(told);
  }
}

function place(document: vscode.TextDocument, position: vscode.Position): At {
  return { uri: document.uri.toString(), position: { line: position.line, character: position.character } };
}
