"""The public sample page through the command line, for a site in UTC."""

from __future__ import annotations

from end_to_end.story_private import SAMPLE_SITE, Private


def test_the_sample_page_loads_as_it_is(private_story: Private) -> None:
    assert private_story.run.status == 0, str(private_story.run)
    home = private_story.home
    rows = home.query(
        "select activity_date::varchar, composition from usage.fct_daily_active_relationships "
        f"where site_id = '{SAMPLE_SITE}' order by 1"
    )
    assert rows == [("2016-08-29", "human_consumer"), ("2017-10-24", "human_only")]


def test_the_sample_page_has_two_interactive_sessions(private_story: Private) -> None:
    rows = private_story.home.query(
        "select activity_date::varchar, is_interactive, credits::integer from usage.fct_cobrowse_sessions "
        f"where site_id = '{SAMPLE_SITE}'"
    )
    assert rows == [("2017-09-25", True, 1)] * 2
