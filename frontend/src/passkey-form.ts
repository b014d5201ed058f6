/** What the user can do about an error of the browser, by its name. */
const MESSAGES: Record<string, string> = {
  InvalidStateError: "This device has a passkey of your account already.",
  NotAllowedError: "Canceled, or no passkey was chosen in time. Try again.",
  NotSupportedError: "This device supports no passkey of the needed kind.",
  SecurityError: "Passkeys don’t work at this address. Open FastDeploy at its own one.",
};

/**
 * Asks the browser for a passkey before a form is submitted.
 *
 *     <passkey-form kind="create" options="{…}">
 *       <form method="post" action="…"><input type="hidden" name="passkey">…</form>
 *     </passkey-form>
 *
 * `kind` is `create` for a new passkey and `get` to use one, `options` is the JSON that
 * WebAuthn defines. The response is put into the field `passkey`.
 */
export class PasskeyForm extends HTMLElement {
  connectedCallback(): void {
    this.querySelector("form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit(event.target as HTMLFormElement);
    });
  }

  async #submit(form: HTMLFormElement): Promise<void> {
    const button = form.querySelector("button");
    if (button) button.disabled = true;
    try {
      const credential = await this.#ask();
      const field = form.elements.namedItem("passkey") as HTMLInputElement;
      field.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch (error) {
      this.#show(form, message(error));
      if (button) button.disabled = false;
    }
  }

  async #ask(): Promise<PublicKeyCredential> {
    const options = JSON.parse(this.getAttribute("options") ?? "{}");
    const found =
      this.getAttribute("kind") === "create"
        ? await navigator.credentials.create({
            publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
          })
        : await navigator.credentials.get({
            publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
          });
    return found as PublicKeyCredential;
  }

  #show(form: HTMLFormElement, text: string): void {
    const shown = form.querySelector("[role=alert]") ?? document.createElement("p");
    shown.className = "field-problem";
    shown.setAttribute("role", "alert");
    shown.textContent = text;
    if (!shown.parentElement) form.prepend(shown);
  }
}

function message(error: unknown): string {
  if (error instanceof DOMException)
    return MESSAGES[error.name] ?? `The browser refused: ${error.message}`;
  return "This browser supports no passkeys. Use a newer one, over HTTPS.";
}
