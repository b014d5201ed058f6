"""A filter of the collection."""


def place(rack):
    return f"rack {rack}, first floor"


class FilterModule:
    def filters(self):
        return {"place": place}
