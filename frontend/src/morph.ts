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
 * announces only the changes. An element with `data-key` is moved with its row, so that
 * a button never becomes that of another row. `source` is consumed.
 */
export function morph(target: Element, source: Element | DocumentFragment): void {
  // A page indents its parts, a fragment doesn't.
  if (isBlank(target.firstChild) && !isBlank(source.firstChild))
    target.firstChild?.remove();
  const fresh = [...source.childNodes];
  const kept = keyed(target.childNodes);
  for (const key of kept.keys())
    if (!fresh.some((node) => keyOf(node) === key)) kept.delete(key);
  fresh.forEach((node, position) => {
    const present = target.childNodes[position] ?? null;
    const key = keyOf(node);
    const same = key === undefined ? undefined : kept.get(key);
    if (same && update(same, node)) {
      if (same !== present) move(target, same, present);
    } else if (!present || key !== undefined || kept.has(keyOf(present) ?? "")) {
      target.insertBefore(node, present);
    } else if (!update(present, node)) {
      present.replaceWith(node);
    }
  });
  for (const node of [...target.childNodes].slice(fresh.length)) node.remove();
}

function isBlank(node: ChildNode | null): boolean {
  return node?.nodeType === Node.TEXT_NODE && !node.nodeValue?.trim();
}

function keyOf(node: Node): string | undefined {
  return node instanceof HTMLElement ? node.dataset.key : undefined;
}

function keyed(nodes: Iterable<ChildNode>): Map<string, ChildNode> {
  const found = new Map<string, ChildNode>();
  for (const node of nodes) {
    const key = keyOf(node);
    if (key !== undefined) found.set(key, node);
  }
  return found;
}

/** Move a child; an element in it that has the focus keeps it. */
function move(target: Element, node: ChildNode, before: ChildNode | null): void {
  const focused = document.activeElement;
  target.insertBefore(node, before);
  if (focused instanceof HTMLElement && node.contains(focused))
    focused.focus({ preventScroll: true });
}

/** Custom elements that render their own content, or a form that somebody fills in. */
const OWNERS = new Set([
  "service-filter",
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

/** Update the attributes. Whether a details element is open is the user's choice. */
function updateAttributes(present: Element, node: Element): void {
  for (const { name } of [...present.attributes]) {
    if (name === "open" && present.localName === "details") continue;
    if (!node.hasAttribute(name)) present.removeAttribute(name);
  }
  for (const { name, value } of node.attributes) {
    if (present.getAttribute(name) !== value) present.setAttribute(name, value);
  }
}
