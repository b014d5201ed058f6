/** Format a duration as the server does: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.max(seconds, 0).toFixed(1)} s`;
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  if (hours) return `${hours} h ${minutes} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/**
 * Format an exact time in the browser's time zone, if the user has chosen it.
 *
 * The format is the server's: 2026-05-04 15:37:00 GMT+2.
 */
export function localMoment(at: number): string | undefined {
  if (document.documentElement.dataset["timeZone"] !== "browser") return undefined;
  // Of all locales, Swedish dates are closest to ISO 8601.
  return new Intl.DateTimeFormat("sv-SE", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "shortOffset",
  }).format(at);
}

/** Format a relative time as the server does. */
export function ago(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ago`;
  const days = Math.floor(hours / 24);
  return days === 1 ? "yesterday" : `${days} days ago`;
}

/**
 * A text that is updated every second.
 *
 * The attribute `seconds` is the value at the time of rendering. The element adds the time
 * since then, so the clocks of server and browser need not agree.
 */
abstract class Ticking extends HTMLElement {
  static readonly observedAttributes = ["seconds"];
  #start = 0;
  #timer = 0;

  connectedCallback(): void {
    this.#timer = window.setInterval(() => this.#show(), 1000);
  }

  disconnectedCallback(): void {
    window.clearInterval(this.#timer);
  }

  attributeChangedCallback(): void {
    this.#start = performance.now();
    this.#show();
  }

  /** Format `given` seconds from the server and `passed` seconds since then. */
  protected abstract format(given: number, passed: number): string;

  #show(): void {
    const given = Number(this.getAttribute("seconds"));
    this.textContent = this.format(given, (performance.now() - this.#start) / 1000);
  }
}

/** Counts up: `<elapsed-time seconds="12.3">12 s</elapsed-time>` */
export class ElapsedTime extends Ticking {
  protected override format(given: number, passed: number): string {
    return duration(given + passed);
  }
}

/** Counts down: `<remaining-time seconds="40">about 40 s left</remaining-time>` */
export class RemainingTime extends Ticking {
  protected override format(given: number, passed: number): string {
    const left = given - passed;
    if (left >= 10) return `about ${duration(left)} left`;
    return left > -5 ? "a few seconds left" : "taking longer than usual";
  }
}

/**
 * A relative time: `<relative-time at="2026-05-04T13:37:00Z">`
 *
 * It uses the clock of the browser, so it is accurate to minutes at best.
 */
export class RelativeTime extends HTMLElement {
  static readonly observedAttributes = ["at"];
  #timer = 0;

  connectedCallback(): void {
    this.#timer = window.setInterval(() => this.#show(), 15_000);
  }

  disconnectedCallback(): void {
    window.clearInterval(this.#timer);
  }

  attributeChangedCallback(): void {
    this.#show();
  }

  #show(): void {
    const at = Date.parse(this.getAttribute("at") ?? "");
    if (Number.isNaN(at)) return;
    this.textContent = ago((Date.now() - at) / 1000);
    const exact = localMoment(at);
    if (exact) this.parentElement?.setAttribute("title", exact);
  }
}

/** An exact time, which the server writes in UTC: `<exact-time at="2026-05-04T13:37:00Z">` */
export class ExactTime extends HTMLElement {
  static readonly observedAttributes = ["at"];

  attributeChangedCallback(): void {
    const at = Date.parse(this.getAttribute("at") ?? "");
    const exact = Number.isNaN(at) ? undefined : localMoment(at);
    if (exact) this.textContent = exact;
  }
}
