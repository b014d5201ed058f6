"""How `fastdeploy deployment show --timing` prints where the time went."""

from app.cli.output import console, print_table
from app.web.formatting import duration
from app.web.terminal import plain
from app.web.timing_bodies import SlowBody, TimingBody


def print_timing(timing: TimingBody) -> None:
    """Print the phases, the slowest tasks or steps, and the hints."""
    if not timing.phases:
        console.print("The deployment has not ended.")
        return
    print_table(
        ("phase", "time", "about"),
        ((one.name, duration(one.seconds), one.about) for one in timing.phases),
    )
    if timing.slowest:
        print_table(
            ("slowest", "time", "usually", "slowest hosts"),
            (
                (
                    one.name,
                    duration(one.seconds),
                    duration(one.usual_seconds),
                    _hosts(one),
                )
                for one in timing.slowest
            ),
        )
    for hint in timing.hints:
        console.print(f"Hint: {plain(hint)}", markup=False, highlight=False)


def _hosts(slow: SlowBody) -> str:
    named = [f"{one.host} {duration(one.seconds)}" for one in slow.slowest_hosts]
    faster = slow.hosts - len(slow.slowest_hosts)
    return ", ".join(named) + (f" and {faster} faster" if faster > 0 else "")
