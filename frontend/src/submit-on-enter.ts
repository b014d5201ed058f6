/**
 * Let Enter submit the form from a one-line secret, as in a password field. Pasted line
 * breaks are kept, and Shift+Enter inserts one.
 */
export function submitOnEnter(): void {
  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLTextAreaElement) || field.dataset.secret !== "line")
      return;
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    field.form?.requestSubmit();
  });
}
