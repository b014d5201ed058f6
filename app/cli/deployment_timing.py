"""How `fastdeploy deployment show --timing` prints where the time went."""

from app.cli.output import console, print_table
from app.domain.timing import SlowPart, Timing
from app.web.formatting import duration
from app.web.terminal import plain


def print_timing(timing: Timing) -> None:
    """Print the phases, the slowest tasks or steps, and the hints."""
    if not timing.phases:
        console.print("The deployment has not ended.")
        return
    print_table(
        ("phase", "time", "about"),
        ((one.name, duration(one.seconds), one.about) for one in timing.phases),
    )
    if timing.slow:
        print_table(
            ("slowest", "time", "usually", "slowest hosts"),
            (
                (one.name, duration(one.seconds), duration(one.usual), _hosts(one))
                for one in timing.slow
            ),
        )
    for hint in timing.hints:
        console.print(f"Hint: {plain(hint)}", markup=False, highlight=False)


def _hosts(slow: SlowPart) -> str:
    named = [f"{one.host} {duration(one.seconds)}" for one in slow.slowest]
    faster = slow.hosts - len(slow.slowest)
    return ", ".join(named) + (f" and {faster} faster" if faster > 0 else "")
