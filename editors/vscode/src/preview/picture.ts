/** What the page makes of a picture. */

/** A picture as the address of an image: as an image it runs no script and loads nothing. */
export function address(svg: string): string {
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
}

/** Where the marked box begins and ends, as shares of the picture's height. */
export function marked(svg: string): { from: number; to: number } | undefined {
  const height = Number(/ viewBox="0 0 [\d.]+ ([\d.]+)"/.exec(svg)?.[1]);
  const [, top, tall] = /<rect class="[\w ]*\bhere" x="[-\d.]+" y="([-\d.]+)" width="[\d.]+" height="([\d.]+)"/.exec(svg) ?? [];
  if (!height || !top || !tall) return undefined;
  return { from: Number(top) / height, to: (Number(top) + Number(tall)) / height };
}
