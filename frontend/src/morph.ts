/** Parse HTML of the server, which escapes everything that comes from a run. */
export function parse(html: string): DocumentFragment {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/**
 * Make the content of `target` equal to that of `source`, changing only what differs.
 *
 * Unchanged nodes keep focus, selection and running animations, and a live region
 * announces only the changes. `source` is consumed.
 */
export function morph(target: Element, source: Element | DocumentFragment): void {
  const old = [...target.childNodes];
  const fresh = [...source.childNodes];
  fresh.forEach((node, position) => {
    const present = old[position];
    if (!present) target.append(node);
    else if (!update(present, node)) present.replaceWith(node);
  });
  for (const node of old.slice(fresh.length)) node.remove();
}

/** Custom elements that render their own content from their attributes. */
const OWNERS = new Set([
  "elapsed-time",
  "remaining-time",
  "relative-time",
  "exact-time",
  "copy-text",
]);

/** Update a node to equal another. Returns false if they differ in kind. */
function update(present: ChildNode, node: ChildNode): boolean {
  if (present.nodeName !== node.nodeName) return false;
  if (present instanceof Element && node instanceof Element) {
    updateAttributes(present, node);
    if (!OWNERS.has(present.localName)) morph(present, node);
  } else if (present.nodeValue !== node.nodeValue) {
    present.nodeValue = node.nodeValue;
  }
  return true;
}

function updateAttributes(present: Element, node: Element): void {
  for (const { name } of [...present.attributes]) {
    if (!node.hasAttribute(name)) present.removeAttribute(name);
  }
  for (const { name, value } of node.attributes) {
    if (present.getAttribute(name) !== value) present.setAttribute(name, value);
  }
}
