"""List what a launch would do that has to be confirmed."""

from app.usecases.launch_summary import LaunchSummary


def launch_facts(summary: LaunchSummary) -> list[tuple[str, str]]:
    """Return facts about a launch, each with its name."""
    wanted = summary.wanted
    facts = [("service", wanted.service.name), *_revision(summary)]
    if wanted.service.playbook:
        hosts = wanted.options.limit or "all"
        if wanted.hosts is not None:
            hosts = ", ".join(wanted.hosts)
        inventory = wanted.service.inventory
        facts += [("hosts", f"{hosts} of {inventory}" if inventory else hosts)]
    if wanted.options.given:
        facts += [("options", " ".join(wanted.options.arguments))]
    facts += [(f"variable {name}", str(v)) for name, v in wanted.variables.items()]
    facts += [(f"variable {name}", "********") for name in summary.secrets]
    facts += [
        ("owed handler", f"{each.handler} on {each.host}") for each in summary.owed
    ]
    facts += [
        ("freeze", f"{freeze.summary}, until {freeze.until:%Y-%m-%d %H:%M %Z}")
        for freeze in summary.frozen.values()
    ]
    replaced = {each.id for each in summary.replaced}
    facts += [
        ("replaces" if each.id in replaced else "waits for", f"deployment {each.id}")
        for each in summary.unfinished
        if each.id in replaced or not replaced
    ]
    return facts


def _revision(summary: LaunchSummary) -> list[tuple[str, str]]:
    project, last = summary.wanted.service.project, summary.last
    facts = []
    if project is not None and project.commit:
        facts += [("commit", f"{project.commit[:10]} {summary.wanted.ref}".rstrip())]
    if last is not None:
        version = f", {last.version}" if last.version else ""
        facts += [("deployed now", f"deployment {last.id}{version}")]
    if summary.difference is not None:
        facts += [
            ("comes in", f"{each.commit[:10]} {each.subject}")
            for each in summary.difference.added
        ]
        facts += [
            ("is removed", f"{each.commit[:10]} {each.subject}")
            for each in summary.difference.removed
        ]
    return facts
