/** Milliseconds between two times that the page is changed: enough to be live. */
const PAUSE = 100;
/** The longest wait for a frame; a hidden tab has none, only timers. */
const LIMIT = 250;

let last = 0;

/** Do some work before one of the next frames, together with what else waits for it. */
export function soon(work: () => void): void {
  const wait = Math.max(last + PAUSE - performance.now(), 0);
  let done = false;
  const once = (): void => {
    if (done) return;
    done = true;
    last = performance.now();
    work();
  };
  setTimeout(() => requestAnimationFrame(once), wait);
  setTimeout(once, wait + LIMIT);
}
