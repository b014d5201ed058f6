"""The routes of the second factor.

They are the pages of users whose role needs a second factor, until they have one.
"""

from functools import partial

from app.domain.access import Permission
from app.web import passkeys, second_factor
from app.web.guard import route
from app.web.login import SECOND_FACTOR_PATH as PATH

_VIEW = Permission.VIEW
_form = partial(route, permission=_VIEW, method="POST", in_set_up=True)

ROUTES = [
    route(PATH, second_factor.show, _VIEW, takes=("done",), in_set_up=True),
    _form(PATH, second_factor.start),
    _form(f"{PATH}/confirm", second_factor.confirm),
    _form(f"{PATH}/remove", second_factor.remove),
    _form(f"{PATH}/passkeys", passkeys.start),
    _form(f"{PATH}/passkeys/add", passkeys.add),
    _form(f"{PATH}/passkeys/remove", passkeys.remove),
]
