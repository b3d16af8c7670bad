with contents as (
    select * from {{ ref('stg_landing__contents') }}
),

files as (
    select * from {{ ref('stg_landing__files') }}
),

-- The seal that was the first to rest on a content: what arrived after a period's seal is late for it.
arrivals as (
    select sha256, min(seal_period) as arrived_in
    from {{ ref('stg_sealed__inputs') }}
    group by sha256
),

-- Content delivered under several paths has its last path (SPEC R12).
named as (
    select
        contents.content_id,
        contents.feed,
        contents.format,
        contents.sha256,
        contents.records,
        contents.rejects,
        contents.first_instant_at,
        contents.last_instant_at,
        coalesce(arrivals.arrived_in, date '9999-12-01') as arrived_in,
        max(files.path) as file
    from contents
    inner join files
        on contents.content_id = files.content_id
    left join arrivals
        on contents.sha256 = arrivals.sha256
    group by all
)

select * from named
