/** What the page makes of a picture. */

/** A picture as the address of an image: as an image it runs no script and loads nothing. */
export function address(svg: string): string {
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
}

/** Where the marked box begins and ends, as shares of the picture's height. */
export function marked(svg: string): { from: number; to: number } | undefined {
  const height = Number(/ viewBox="0 0 [\d.]+ ([\d.]+)"/.exec(svg)?.[1]);
  const head = Number(/<g transform="translate\([-\d.]+ ([-\d.]+)\)">/.exec(svg)?.[1]);
  const [, top, tall] = /<rect class="stage here" x="[-\d.]+" y="([-\d.]+)" width="[\d.]+" height="([\d.]+)"/.exec(svg) ?? [];
  if (!height || !top || !tall || Number.isNaN(head)) return undefined;
  const from = head + Number(top);
  return { from: from / height, to: (from + Number(tall)) / height };
}
