#!/usr/bin/env python3
"""Say hello in four steps: the smallest deployment script FastDeploy can run.

A script service gets `--config FILE`, prints its steps as JSON lines among any other
output, and is successful when it exits with 0. Nothing but the standard library is
needed, so this file is also a template for a script of your own.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

GREEN = "\x1b[32m"
YELLOW = "\x1b[33m"
RESET = "\x1b[0m"

#: Each step with the message it ends with.
STEPS = {
    "prepare": "The launch variables are read",
    "bootstrap": "There is nothing to install",
    "ansible": "The greeting is said",
    "verify": "The greeting was heard",
}

EXIT_FAILED_STEP = 3
EXIT_BAD_CONFIG = 2


def emit_step(name: str, state: str, message: str = "") -> None:
    """Report a step as "running", "success" or "failure"."""
    step = {"name": name, "state": state}
    if message:
        step["message"] = message
    print(json.dumps(step), flush=True)


def printable(text: str) -> str:
    """Return the text on one line: a line break in a name could forge a step."""
    return "".join(char if char.isprintable() else " " for char in text)


def say_hello(config: dict[str, Any]) -> int:
    """Run all steps and return the exit code.

    Raises AttributeError, TypeError or ValueError if the config has another form than
    FastDeploy's.
    """
    service = config.get("deploy_script", "").split("/")[0]
    context = config.get("context", {})
    variables = context.get("variables", {})
    name = printable(str(variables.get("name", "world")))
    pause = float(variables.get("pause", 0))
    fail_at = variables.get("fail_at", "")
    actor = printable(str(context.get("actor", "somebody")))
    deployment = config.get("deployment_id")
    print(f"{YELLOW}Deployment {deployment} of {service}, for {actor}{RESET}")
    for step, message in STEPS.items():
        emit_step(step, "running")
        time.sleep(pause)
        if step == fail_at:
            emit_step(step, "failure", "The launch variable fail_at asks for this")
            return EXIT_FAILED_STEP
        if step == "ansible":
            print(f"{GREEN}Hello, {name}!{RESET}")
        emit_step(step, "success", message)
    return 0


def main() -> int:
    """Read the config file and say hello; report an invalid file in one sentence."""
    parser = argparse.ArgumentParser(description="Say hello in four steps.")
    parser.add_argument("--config", required=True, help="Configuration file path")
    args = parser.parse_args()
    try:
        config = json.loads(Path(args.config).read_text(encoding="utf-8"))
        return say_hello(config)
    except (AttributeError, OSError, TypeError, ValueError) as error:
        print(f"Cannot use the config file {args.config}: {error}", file=sys.stderr)
        return EXIT_BAD_CONFIG


if __name__ == "__main__":
    sys.exit(main())
