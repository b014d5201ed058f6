/** Pixels of a gap; browsers can't scroll much further than twice as far. */
const MAX_GAP = 8_000_000;

/** The gap where siblings before this one were dropped; it is made if there is none. */
export function gapBefore(element: HTMLElement): HTMLElement {
  const before = element.previousElementSibling;
  if (before instanceof HTMLElement && "gap" in before.dataset) return before;
  const gap = document.createElement(element.tagName);
  gap.dataset["gap"] = "";
  element.before(gap);
  return gap;
}

/** Let a gap stand for so many pixels more. */
export function widen(gap: HTMLElement, pixels: number): void {
  const before = Number.parseFloat(gap.style.blockSize || "0");
  gap.style.blockSize = `${Math.min(before + pixels, MAX_GAP)}px`;
}

/** Its height in pixels. */
export function height(element: Element): number {
  return element.getBoundingClientRect().height;
}

/** Pixels from the top of one element to the bottom of another. */
export function span(first: Element, last: Element): number {
  return last.getBoundingClientRect().bottom - first.getBoundingClientRect().top;
}
