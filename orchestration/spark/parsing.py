"""Landing records read by Spark's own JSON reader, in SQL: what it takes whole, and what must be read exactly.

What belongs here: queries over the view `cut` (content_id, record_index, text). What does not: the raw rows (rows.py).
The conditions under which a record is suspicious are the DuckDB loader's own (event_feeds); added are those in which
Spark's reader is laxer than the exact reading: doubled keys, something behind the object, bytes that are not UTF-8.
"""

from __future__ import annotations

from orchestration.event_feeds import Feed
from orchestration.records import PAGE_METADATA
from orchestration.spark.leaves import has_infinity, spark_shape
from orchestration.spark.rows import page_of, pseudonymised

CORRUPT = "_unreadable"
PAGE = "struct<search_key:string,search_count:bigint,page_records:bigint,is_partial_result:boolean,site_id:string>"
_OPTIONS = f"map('columnNameOfCorruptRecord', '{CORRUPT}', 'allowSingleQuotes', 'false')"


def columns_of(feed: Feed) -> str:
    """The columns of a feed's shape as Spark's DDL."""
    return ", ".join(f"`{key}` {spark_shape(part)}" for key, part in feed.shape.items())


def records_in_lines(feed: Feed) -> str:
    """A row for each record that stands alone, in a line or a file: content_id, record_index, is_sound, its columns."""
    return f"""
        select
            content_id, record_index, is_text_sound and record.{CORRUPT} is null as is_sound,
            {_unpacked(feed, "record")}, cast(null as {PAGE}) as page
        from (
            select
                content_id, greatest(record_index, 1) as record_index, {_is_sound("text")} as is_text_sound,
                {_from_json("text", columns_of(feed))} as record
            from cut
        )"""


def records_in_pages(feed: Feed) -> str:
    """A row for each record of the response pages, and one without a place for a page that has none or is unusable."""
    shape = f"`_metadata` {spark_shape(PAGE_METADATA)}, `{feed.page_list}` {spark_shape([feed.shape])}"
    return f"""
        select
            content_id, place + 1 as record_index, is_sound, {_unpacked(feed, "record")},
            case when is_sound and coalesce(place, 0) = 0 then {page_of("metadata", "page_records")} end as page
        from (
            select
                content_id, is_sound, page.`_metadata` as metadata, size(page.`{feed.page_list}`) as page_records,
                posexplode_outer(case when is_sound then page.`{feed.page_list}` end) as (place, record)
            from (
                select
                    content_id, page,
                    is_text_sound and page.{CORRUPT} is null and page.`{feed.page_list}` is not null as is_sound
                from (
                    select content_id, {_is_sound("text")} as is_text_sound, {_from_json("text", shape)} as page
                    from cut
                )
            )
        )"""


def judged(feed: Feed, source: str, is_pseudonymised: bool) -> str:
    """Records with `is_suspicious`: those are without their columns, for they are read again."""
    doubts = [_in_spark(condition) for condition in feed.suspicious]
    doubts += [f"coalesce(exists({path}, item -> {_in_spark(condition)}), false)" for path, condition in feed.items]
    doubts += [has_infinity(part, f"`{key}`") for key, part in feed.shape.items()]
    suspicion = " or ".join(f"({doubt})" for doubt in doubts)
    return f"""
        select
            content_id, record_index, is_suspicious,
            {kept_columns(feed, is_pseudonymised, "not is_suspicious")}, page
        from (
            select
                *, case when not is_sound then true when record_index is null then false else {suspicion} end
                as is_suspicious
            from ({source})
        ){keyed(is_pseudonymised)}"""


def records_read_again(feed: Feed, is_pseudonymised: bool) -> str:
    """The outcomes of the exact reading (view `outcomes`) with the projected records as columns again."""
    page = page_of("head", "total")
    return f"""
        select
            content_id, outcome, record_index, item_index, record_kind, reason, record_hash,
            {kept_columns(feed, is_pseudonymised, "outcome = 'record'")},
            case when outcome = 'page' then {page} end as page
        from (
            select
                * except (record), {_unpacked(feed, "record")}
            from (
                select
                    * except (text, metadata), {_from_json("text", columns_of(feed))} as record,
                    {_from_json("metadata", _fields(PAGE_METADATA))} as head
                from outcomes
            )
        ){keyed(is_pseudonymised)}"""


def kept_columns(feed: Feed, is_pseudonymised: bool, condition: str) -> str:
    """The feed's columns as they are kept, null unless the condition holds."""
    return ", ".join(
        f"case when {condition} then {pseudonymised(key) if is_pseudonymised else f'`{key}`'} end as `{key}`"
        for key in feed.shape
    )


def keyed(is_pseudonymised: bool) -> str:
    """The join with the one row that holds the key's blocks."""
    return " cross join hmac_key" if is_pseudonymised else ""


def _fields(shape: dict) -> str:
    return ", ".join(f"`{key}` {spark_shape(part)}" for key, part in shape.items())


def _unpacked(feed: Feed, record: str) -> str:
    return ", ".join(f"{record}.`{key}` as `{key}`" for key in feed.shape)


def _from_json(text: str, columns: str) -> str:
    return f"from_json({text}, '{columns}, {CORRUPT} string', {_OPTIONS})"


def _is_sound(text: str) -> str:
    """Whether a text is one strict JSON value, with nothing behind it and no key twice in an object.

    from_json stops at the end of the first value and takes the last of doubled keys. The variant parser refuses
    doubled keys; that nothing stands behind the value shows in a second member, which must come out as put in. Its
    name is the text's own hash, which no text can hold.
    """
    mark = f"concat('e', cast(xxhash64({text}) as string))"
    wrapped = f"""concat('{{"r":', {text}, ',"', {mark}, '":0}}')"""
    members = f"map_keys(try_cast(try_parse_json({wrapped}) as map<string, variant>))"
    return f"coalesce(is_valid_utf8({text}) and {members} = array({mark}, 'r'), false)"


def _in_spark(condition: str) -> str:
    """A condition of event_feeds.FEEDS, whose names stand in double quotes, as Spark takes it."""
    return condition.replace('"', "`")
