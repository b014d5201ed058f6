/**
 * Lets Enter submit the form from a secret that usually has one line, as a password
 * field would. Lines that are pasted stay, and Shift+Enter begins one.
 */
export function submitByEnter(): void {
  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLTextAreaElement) || field.dataset["secret"] !== "line") return;
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    field.form?.requestSubmit();
  });
}
