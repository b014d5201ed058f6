/**
 * Keep the URL's fragment (a link to a line) across the login: the server never sees it.
 */
export function keepFragment(): void {
  const next = document.querySelector<HTMLInputElement>("form input[name=next]");
  if (next && location.hash && !next.value.includes("#")) next.value += location.hash;
}
