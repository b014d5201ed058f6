"""The documentation as a site: `./justw docs` builds it into var/docs."""

from app import __version__

project = "FastDeploy"
release = __version__
extensions = ["myst_parser"]
#: A link to a heading is checked like any other.
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"FastDeploy {__version__}"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
