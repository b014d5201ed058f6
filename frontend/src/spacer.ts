/** The maximum height of a spacer in pixels; browsers limit an element to about twice that. */
const MAX_HEIGHT = 8_000_000;

/** Return the spacer in place of the siblings removed before this element; create it if needed. */
export function spacerBefore(element: HTMLElement): HTMLElement {
  const before = element.previousElementSibling;
  if (before instanceof HTMLElement && "spacer" in before.dataset) return before;
  const spacer = document.createElement(element.tagName);
  spacer.dataset.spacer = "";
  element.before(spacer);
  return spacer;
}

/** Make a spacer higher by some pixels. */
export function grow(spacer: HTMLElement, pixels: number): void {
  const before = Number.parseFloat(spacer.style.blockSize || "0");
  spacer.style.blockSize = `${Math.min(before + pixels, MAX_HEIGHT)}px`;
}

/** Return the height of an element in pixels. */
export function height(element: Element): number {
  return element.getBoundingClientRect().height;
}

/** Return the distance from the top of one element to the bottom of another, in pixels. */
export function span(first: Element, last: Element): number {
  return last.getBoundingClientRect().bottom - first.getBoundingClientRect().top;
}
