"""The hosts, groups and tags in what Ansible prints."""

from app.usecases.launch_choices import parse_graph, parse_tags

GRAPH = """\
@all:
  |--@ungrouped:
  |  |--lonely
  |--@db:
  |  |--@web:
  |  |  |--web1
  |  |  |--web-2.example.org
"""
TAGS = """\

playbook: site.yml

  play #1 (all): Site\tTAGS: [site]
      TASK TAGS: [restart, site, talk]

  play #2 (db): Databases\tTAGS: []
      TASK TAGS: []
"""


def test_groups_and_hosts_of_a_graph_are_sorted_and_named_once() -> None:
    assert (["db", "web"], ["lonely", "web-2.example.org", "web1"]) == parse_graph(
        GRAPH
    )


def test_tags_of_all_plays_are_listed() -> None:
    assert ["restart", "site", "talk"] == parse_tags(TAGS)
