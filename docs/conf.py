"""The documentation as a site: `./justw docs` builds it into app/web/docs."""

from app.version import version as shown_version

project = "FastDeploy"
release = shown_version()
extensions = ["myst_parser", "tools.docs_policy"]
#: A link to a heading is checked like any other.
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"FastDeploy {release}"
#: The icon of FastDeploy's pages: without one, a browser asks for /favicon.ico.
html_favicon = "../frontend/src/icons/default.svg"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
