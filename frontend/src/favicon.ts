/** The icons by file, each with its address; the server finds them in the manifest. */
const icons = import.meta.glob<string>("./icons/*.svg", {
  eager: true,
  import: "default",
  query: "?url",
});

/** Show the icon of a state, as the server does when it renders a page. */
export function showFavicon(name: string): void {
  const link = document.querySelector<HTMLLinkElement>("link[rel=icon]");
  const address = icons[`./icons/${name}.svg`];
  if (!link || !address || link.getAttribute("href") === address) return;
  // Some browsers look only at a link that is new.
  const fresh = link.cloneNode() as HTMLLinkElement;
  fresh.href = address;
  link.replaceWith(fresh);
}
