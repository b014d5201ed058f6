/** The URL of each icon by its file. The server reads the same URLs from Vite's manifest. */
const icons = import.meta.glob<string>("./icons/*.svg", {
  eager: true,
  import: "default",
  query: "?url",
});

/** Show the icon of a deployment's state, as the server does when it renders a page. */
export function showFavicon(name: string): void {
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  const address = icons[`./icons/${name}.svg`];
  if (!link || !address || link.getAttribute("href") === address) return;
  // Some browsers ignore changes to an existing link element.
  const fresh = link.cloneNode() as HTMLLinkElement;
  fresh.href = address;
  link.replaceWith(fresh);
}
