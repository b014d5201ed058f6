import plain from "./favicon.svg";

/** Give the page its icon; a script does it, since the file's name holds a hash. */
export function showFavicon(): void {
  const link = document.createElement("link");
  link.rel = "icon";
  link.type = "image/svg+xml";
  link.href = plain;
  document.head.append(link);
}
