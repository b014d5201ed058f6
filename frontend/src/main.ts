// Everything here adds to pages that are complete without it.

import "./app.css";
import { CopyText, offerToCopyLines } from "./copy";
import { submitByEnter } from "./enter";
import { keepFragment } from "./login";
import { LiveDeployment } from "./live-deployment";
import { LivePart } from "./live-part";
import { OutputLog } from "./output-log";
import { RunMatrix } from "./run-matrix";
import { ElapsedTime, RelativeTime, RemainingTime } from "./times";

keepFragment();
offerToCopyLines();
submitByEnter();
customElements.define("copy-text", CopyText);
customElements.define("elapsed-time", ElapsedTime);
customElements.define("remaining-time", RemainingTime);
customElements.define("relative-time", RelativeTime);
customElements.define("output-log", OutputLog);
customElements.define("run-matrix", RunMatrix);
customElements.define("live-deployment", LiveDeployment);
customElements.define("live-part", LivePart);
