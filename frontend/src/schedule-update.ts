/** Minimum milliseconds between two updates of the page. */
const PAUSE = 100;
/** Maximum milliseconds to wait for a frame: a hidden tab gets no frames, only timers. */
const LIMIT = 250;

let last = 0;

/** Run an update before one of the next animation frames, together with other pending updates. */
export function scheduleUpdate(work: () => void): void {
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
