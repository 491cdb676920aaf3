/** The page of the preview, and what it may do. */

/**
 * The page, which runs its own script and nothing else.
 *
 * A mail is shown in a frame without any right, and takes over the policy of the page. Styles stand in the mail itself,
 * so they are let through; pictures come from wherever the mail has them.
 */
export function page(source: string, script: string, style: string, nonce: string): string {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${source} 'unsafe-inline'`,
    'img-src https: data:',
    "form-action 'none'",
    "base-uri 'none'",
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width">
  <link rel="stylesheet" href="${style}">
  <title>Lotse</title>
</head>
<body>
  <p id="note"></p>
  <figure id="picture" hidden><img alt=""></figure>
  <section id="mail" hidden><h2></h2><iframe sandbox="" title="The mail as its recipient gets it"></iframe><pre></pre></section>
  <script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
