// Progressive enhancement: every page works without this script.

import "./styles/index.css";
import { CopyText, offerToCopyLines } from "./copy-text";
import { FilePreview } from "./file-preview";
import { keepFragment } from "./keep-fragment";
import { LaunchChoices } from "./launch-choices";
import { LiveDeployment } from "./live-deployment";
import { LivePart } from "./live-part";
import { OutputLog } from "./output-log";
import { PasskeyForm } from "./passkey-form";
import { RunMatrix } from "./run-matrix";
import { ServiceFilter } from "./service-filter";
import { submitOnEnter } from "./submit-on-enter";
import { ElapsedTime, ExactTime, RelativeTime, RemainingTime } from "./times";

keepFragment();
offerToCopyLines();
submitOnEnter();
customElements.define("copy-text", CopyText);
customElements.define("elapsed-time", ElapsedTime);
customElements.define("remaining-time", RemainingTime);
customElements.define("exact-time", ExactTime);
customElements.define("relative-time", RelativeTime);
customElements.define("output-log", OutputLog);
customElements.define("run-matrix", RunMatrix);
customElements.define("launch-choices", LaunchChoices);
customElements.define("live-deployment", LiveDeployment);
customElements.define("live-part", LivePart);
customElements.define("service-filter", ServiceFilter);
customElements.define("file-preview", FilePreview);
customElements.define("passkey-form", PasskeyForm);
