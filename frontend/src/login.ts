/**
 * Let a link to a line survive the login: the browser has kept what stands behind the #,
 * and the server never sees it.
 */
export function keepFragment(): void {
  const next = document.querySelector<HTMLInputElement>("form input[name=next]");
  if (next && location.hash && !next.value.includes("#")) next.value += location.hash;
}
