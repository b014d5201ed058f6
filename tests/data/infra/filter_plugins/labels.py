"""A filter of the repository."""


def as_label(name):
    return f"<{name.upper()}>"


class FilterModule:
    def filters(self):
        return {"as_label": as_label}
